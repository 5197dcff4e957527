//! What stands in a pull request.

use super::super::samples::{HOSTILE, big, empty, hostile, one_of_each};
use super::*;

#[test]
fn one_of_each_has_a_table_and_folds() {
    insta::assert_snapshot!(page(&one_of_each()), @r"
    ## Access review: a guard is broken

    6 principals gain, 1 loses, 14 unchanged; 1 row waived · main.cell, against revision main

    | Risk | Who | Where | What | Proof | Source |
    |---|---|---|---|---|---|
    | **CRITICAL** | `group developers` | 2 cells (production): `pay-prod`, `ledger-prod` | **privilege escalation**<br>gains `iam:PassRole` on `arn:aws:iam::111122223333:role/* except arn:aws:iam::111122223333:role/app-*` | proven | `policies.cell:42` |
    | **HIGH** | `group analysts` | 12 cells: `use1-01`, `use1-02`, `use1-03` (+9) | **condition loosened: bulk data reads**<br>gains `s3:GetObject`, `s3:GetObjectAcl`, `s3:GetObjectTagging` (+2) on `arn:aws:s3:::logs-*` | proven | `policies.cell:61` |
    | **MEDIUM** | `groups readers`, `watchers` | 28 cells: `use1-01`, `use1-02`, `use1-03` (+25) | **reads**<br>gains `ec2:DescribeThing1`, `ec2:DescribeThing2`, `ec2:DescribeThing3` (+9), and `future actions matching ec2:Describe*` on `*` | proven | `policies.cell:42` |
    | **LOW** | `group partners` | 2 cells: `use1-02`, `use1-03` | **tagging**<br>gains `ec2:CreateTags` on `*` | proven | `policies.cell:42` |
    | **MAY** | `group partners` | 1 cell: `use1-01` | **at most HIGH: credentials**<br>may gain `secretsmanager:GetSecretValue` on `*` | may |  |
    | **LOSS** | `group support` | 1 cell (production): `pay-prod` | **access lost**<br>loses `s3:DeleteObject` on `*` | proven | `policies.cell:88` |

    **Guards:** 2 of 4 proven

    - ✗ `no-iam-write-in-prod` broken, over 7 principals and 12 cells (3 distinct cases) (`policies.cell:100`)
      - `group developers` in `pay-prod`, `ledger-prod` is allowed `iam:PutRolePolicy` on `*`
        - witness `iam:PutRolePolicy on arn:aws:iam::111122223333:role/admin` with `aws:RequestedRegion = us-west-2`: before: deny, after: allow
        - together allowed by `allow Roles of permission set Deploy (policies.cell:42)`, `allow All of permission set Base (policies.cell:17)`
    - ? `no-billing` may be broken, over 7 principals and 12 cells (3 distinct cases) (`policies.cell:100`)
      - because the document of arn:aws:iam::aws:policy/ReadOnlyAccess is not known
    - ✓ `no-secret-reads` proven, over 7 principals and 12 cells (3 distinct cases) (`policies.cell:100`)
    - ✓ `no-key-deletion` proven, over 7 principals and 12 cells (3 distinct cases) (`policies.cell:100`)

    <details>
    <summary><b>CRITICAL</b> group developers × 2 cells: privilege escalation</summary>

    - in 2 cells (production): `pay-prod`, `ledger-prod`
    - gains `iam:PassRole` on `arn:aws:iam::111122223333:role/* except arn:aws:iam::111122223333:role/app-*` [proven]
      - path `lambda-001 (a new role): iam:PassRole arrives, lambda:CreateFunction, lambda:InvokeFunction were there`
      - witness `iam:PassRole on arn:aws:iam::111122223333:role/admin` with `aws:RequestedRegion = us-west-2`: before: deny, after: allow
      - after: `allow PassAny of permission set Deploy (policies.cell:42)`
    - is given `Deploy` by `grant deployers (policies.cell:12)`
    - accept as `access-000000000000000000000001`

    </details>

    <details>
    <summary><b>HIGH</b> group analysts × 12 cells: condition loosened: bulk data reads</summary>

    - in 12 cells: `use1-01`, `use1-02`, `use1-03`, `use1-04`, `use1-05`, `use1-06`, `use1-07`, `use1-08`, `use1-09`, `use1-10`, `use1-11`, `use1-12`
    - gains `s3:GetObject`, `s3:GetObjectAcl`, `s3:GetObjectTagging`, `s3:GetObjectVersion`, `s3:ListBucket` on `arn:aws:s3:::logs-*` [proven]
      - `aws:SourceVpce is vpce-1 → is anything`
      - witness `s3:GetObject on arn:aws:s3:::logs-a/x` with `aws:RequestedRegion = us-west-2`: before: deny, after: allow
      - after: `allow Logs of permission set Analyst (policies.cell:61)`
    - accept as `access-000000000000000000000002`

    </details>

    <details>
    <summary><b>MEDIUM</b> groups readers, watchers × 28 cells: reads</summary>

    - in 28 cells: `use1-01`, `use1-02`, `use1-03`, `use1-04`, `use1-05`, `use1-06`, `use1-07`, `use1-08`, `use1-09`, `use1-10`, `use1-11`, `use1-12`, `use1-13`, `use1-14`, `use1-15`, `use1-16`, `use1-17`, `use1-18`, `use1-19`, `use1-20`, `use1-21`, `use1-22`, `use1-23`, `use1-24`, `use1-25`, `use1-26`, `use1-27`, `use1-28`
    - `groups readers`, `watchers`
    - gains `ec2:DescribeThing1`, `ec2:DescribeThing2`, `ec2:DescribeThing3`, `ec2:DescribeThing4`, `ec2:DescribeThing5`, `ec2:DescribeThing6`, `ec2:DescribeThing7`, `ec2:DescribeThing8`, `ec2:DescribeThing9`, `ec2:DescribeThing10`, `ec2:DescribeThing11`, `ec2:DescribeThing12`, and `future actions matching ec2:Describe*` on `*` [proven]
      - after: `allow PassAny of permission set Deploy (policies.cell:42)`
    - accept as `access-000000000000000000000003`, `access-000000000000000000000004`

    </details>

    <details>
    <summary><b>LOW</b> group partners × 2 cells: tagging</summary>

    - in 2 cells: `use1-02`, `use1-03`
    - gains `ec2:CreateTags` on `*` [proven]
      - after: `allow PassAny of permission set Deploy (policies.cell:42)`
    - same in 2 cells, differs in 1
    - accept as `access-000000000000000000000008`

    </details>

    <details>
    <summary><b>MAY</b> group partners × 1 cell: credentials</summary>

    - in 1 cell: `use1-01`
    - may gain `secretsmanager:GetSecretValue` on `*` [may]
      - because it depends on &#36;{aws:PrincipalTag/team}, which is not known
    - same in 1 cell, differs in 2
    - accept as `access-000000000000000000000007`

    </details>

    <details>
    <summary><b>LOSS</b> group support × 1 cell: access lost</summary>

    - in 1 cell (production): `pay-prod`
    - loses `s3:DeleteObject` on `*` [proven]
      - before: `allow Clean of permission set Support (policies.cell:88)`
      - open sessions keep it for up to 8 h

    </details>

    <details>
    <summary>waived: 1 row</summary>

    - `group auditors` in 1 cell: the yearly audit, owner `group.security`, until 2027-01-31 (`policies.cell:120`, accept `audit`, `access-000000000000000000000006`)

    </details>

    <details>
    <summary>limits that hold less: 1</summary>

    - scp no-delete is no longer attached to root; nobody gains by it now

    </details>

    <details>
    <summary>accepts that waive nothing: 1</summary>

    - accept old expired on 2026-01-31, and names no row of this review (policies.cell:130)

    </details>

    <details>
    <summary>no effect: 2 text changes proven equivalent</summary>

    - `permission set Operator`: is written otherwise, and allows what it allowed
    - `permission set Reader`: is written otherwise, and allows what it allowed

    </details>

    <details>
    <summary>access that cellc does not manage</summary>

    - user eve has AdministratorAccess in pay-prod

    </details>

    <details>
    <summary>not modelled</summary>

    - policies of resources (buckets, keys, queues, roles' trust)

    </details>

    1204 queries over 37 distinct cases · 6 of 7 regions proven, 1 may · action list of 2026-09-26

    The change as a whole: `access-000000000000000000000000`
    ");
}

#[test]
fn where_nothing_changes_it_says_so() {
    insta::assert_snapshot!(page(&empty()), @r"
    ## Access review: no review needed

    nobody gains or loses, 14 unchanged · main.cell, against revision main

    **Guards:** the program has none

    <details>
    <summary>not modelled</summary>

    - policies of resources (buckets, keys, queues, roles' trust)

    </details>

    1204 queries over 37 distinct cases · nothing changes · action list of 2026-09-26

    The change as a whole: `access-000000000000000000000000`
    ");
}

#[test]
fn it_is_never_longer_than_a_comment_may_be_and_counts_what_is_left_out() {
    let mut long = hostile();
    long.not_modelled = vec![HOSTILE.repeat(50); 500];
    long.principals.iter_mut().for_each(|row| row.cells = vec![HOSTILE.repeat(20); 300]);
    long.guards = (0..300).map(|_| long.guards[1].clone()).collect();
    for review in [big(2_000, 500), big(60, 10_000), long, hostile()] {
        let page = page(&review);
        assert!(page.len() <= LIMIT, "{} bytes", page.len());
        assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
    }
    let text = page(&big(2_000, 500));
    let shown = text.matches("\n<summary><b>").count();
    assert!(
        shown > 20 && text.contains(&format!("\n{} more entries have no details here", 2_000 - shown)),
        "{shown}"
    );
}

#[test]
fn what_is_foreign_is_no_markup() {
    let text = page(&hostile());
    for line in text.lines() {
        // What is left of a line without its code spans is our own.
        let bare = without_code(line);
        for markup in ["<img", "<script", "_x_", "](", "`", "onerror=alert(1)>", "<!--"] {
            assert!(!bare.contains(markup), "{markup} in {line}");
        }
    }
    let header = text.lines().find(|line| line.starts_with("| Risk")).map(columns);
    for line in text.lines().filter(|line| line.starts_with("| **")) {
        assert_eq!(Some(columns(line)), header, "{line}");
    }
}

/// The columns of a line of a table: pipes that are not escaped, less one.
fn columns(line: &str) -> usize {
    line.replace("\\|", "").matches('|').count() - 1
}

/// A line without its code spans, as CommonMark finds them.
fn without_code(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let inner = &rest[start + run..];
        let mut at = 0;
        let end = loop {
            let Some(next) = inner[at..].find('`').map(|next| at + next) else { break None };
            let length = inner[next..].len() - inner[next..].trim_start_matches('`').len();
            if length == run {
                break Some(next + length);
            }
            at = next + length;
        };
        out.push_str(&rest[..start]);
        match end {
            Some(end) => rest = &inner[end..],
            None => {
                out.push_str(&rest[start..start + run]);
                rest = inner;
            }
        }
    }
    out + rest
}

#[test]
fn a_code_span_is_longer_than_what_is_in_it() {
    assert_eq!(code("a"), "`a`");
    assert_eq!(code("a`b``"), "``` a`b`` ```");
    assert_eq!(code(""), "`  `");
}
