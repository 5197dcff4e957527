//! What a reviewer sees.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use super::super::model::Review;
use super::super::samples::{big, empty, hostile, one_of_each};
use super::{Look, first_screen, write};
use crate::terminal::visible::is_hidden;

const LOOK: Look = Look { verbose: false, width: 100, color: false };

fn page(review: &Review, look: Look) -> String {
    let mut text = String::new();
    write(review, &look, &mut text).unwrap();
    text
}

fn screen(review: &Review) -> String {
    let mut text = String::new();
    first_screen(review, &LOOK, &mut text).unwrap();
    text
}

/// What was looked for and is not there is told from what nobody looked for.
#[test]
fn that_there_is_no_unmanaged_access_is_said_where_it_was_looked_for() {
    let (not_looked, looked) = (empty(), Review { unmanaged_access: Some(Vec::new()), ..empty() });
    let told = |review: &Review| {
        let (markdown, html) = (super::super::markdown::page(review), super::super::html::page(review));
        [page(review, LOOK), markdown, html].map(|text| text.to_lowercase())
    };
    assert!(told(&not_looked).iter().all(|text| !text.contains("cellc does not manage")));
    let [text, markdown, html] = told(&looked);
    assert!(text.contains("access that cellc does not manage: none\n"), "{text}");
    assert!(markdown.contains("access that cellc does not manage: none"), "{markdown}");
    assert!(html.contains("<h3>access that cellc does not manage</h3>\n<ul><li>none</li></ul>"), "{html}");
}

#[test]
fn one_of_each_is_told_by_risk() {
    insta::assert_snapshot!(page(&one_of_each(), LOOK), @r"
    access review of main.cell, against revision main
    VERDICT: a guard is broken · 6 principals gain, 1 loses, 14 unchanged; 1 row waived
    guards: 2 of 4 proven  ✗ no-iam-write-in-prod  ? no-billing
      ✓ no-secret-reads over 7 principals and 12 cells (3 distinct cases), no-key-deletion over 7
          principals and 12 cells (3 distinct cases)
      ? no-billing may be broken, over 7 principals and 12 cells (3 distinct cases): the document of
          arn:aws:iam::aws:policy/ReadOnlyAccess is not known
    BROKEN   ! guard no-iam-write-in-prod over 7 principals and 12 cells (3 distinct cases): broken in 2
                   places (policies.cell:100)
      group developers × pay-prod, ledger-prod: is allowed iam:PutRolePolicy on *, forbidden by `writes`
        witness  iam:PutRolePolicy on arn:aws:iam::111122223333:role/admin, with aws:RequestedRegion =
            us-west-2  before: deny, after: allow
        together allowed by  allow Roles of permission set Deploy (policies.cell:42); allow All of
            permission set Base (policies.cell:17)
    CRITICAL + group developers × pay-prod, ledger-prod (production)       privilege escalation [proven]
      gains  iam:PassRole on arn:aws:iam::111122223333:role/* except
          arn:aws:iam::111122223333:role/app-*
        path lambda-001 (a new role): iam:PassRole arrives, lambda:CreateFunction, lambda:InvokeFunction
            were there
        witness  iam:PassRole on arn:aws:iam::111122223333:role/admin  before: deny, after: allow
      is given Deploy by grant deployers (policies.cell:12); by policies.cell:42
      accept as  access-000000000000000000000001
    HIGH     ~ group analysts × all 12 cells                condition loosened: bulk data reads [proven]
      in  use1-01, use1-02, use1-03, use1-04, use1-05, use1-06, use1-07, use1-08, … (4 more)
      gains  s3:GetObject, s3:GetObjectAcl, s3:GetObjectTagging (+2) on arn:aws:s3:::logs-*
        aws:SourceVpce is vpce-1 → is anything
        witness  s3:GetObject on arn:aws:s3:::logs-a/x  before: deny, after: allow
      by policies.cell:61
      accept as  access-000000000000000000000002
    MEDIUM   + groups readers, watchers × 28 cells                                        reads [proven]
      in  use1-01, use1-02, use1-03, use1-04, use1-05, use1-06, use1-07, use1-08, … (20 more)
      gains  ec2:DescribeThing1, ec2:DescribeThing2, ec2:DescribeThing3 (+9), and future actions
          matching ec2:Describe* on *
      by policies.cell:42
      accept for group readers as  access-000000000000000000000003
      accept for group watchers as  access-000000000000000000000004
    LOW      + group partners × use1-02, use1-03                                        tagging [proven]
      same in 2 cells, differs in 1
      gains  ec2:CreateTags on *
      by policies.cell:42
      accept as  access-000000000000000000000008
    MAY      ? group partners × cell use1-01                             at most HIGH: credentials [may]
      same in 1 cell, differs in 2
      may gain  secretsmanager:GetSecretValue on *
        because it depends on ${aws:PrincipalTag/team}, which is not known
      accept as  access-000000000000000000000007
    LOSS     - group support × cell pay-prod (production)                           access lost [proven]
      loses  s3:DeleteObject on *
      open sessions keep it for up to 8 h
      by policies.cell:88
    WAIVED   group auditors × 1 cell: LOW, reads
      accept audit (policies.cell:120): the yearly audit
      owner group.security, until 2027-01-31, access-000000000000000000000006

    limits that hold less, and that no row above names:
      scp no-delete is no longer attached to root; nobody gains by it now
    accepts that waive nothing:
      accept old expired on 2026-01-31, and names no row of this review (policies.cell:130)
    no effect: 2 text changes proven equivalent
      permission set Operator, permission set Reader
    access that cellc does not manage:
      user eve has AdministratorAccess in pay-prod
    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
    evidence: 1204 queries over 37 distinct cases · 6 of 7 regions proven, 1 may · action list of
        2026-09-26
    ");
}

#[test]
fn the_first_screen_has_the_gravest_and_counts_the_rest() {
    insta::assert_snapshot!(screen(&one_of_each()), @r"
    access review of main.cell, against revision main
    VERDICT: a guard is broken · 6 principals gain, 1 loses, 14 unchanged; 1 row waived
    guards: 2 of 4 proven  ✗ no-iam-write-in-prod  ? no-billing
      ✓ no-secret-reads over 7 principals and 12 cells (3 distinct cases), no-key-deletion over 7
          principals and 12 cells (3 distinct cases)
      ? no-billing may be broken, over 7 principals and 12 cells (3 distinct cases): the document of
          arn:aws:iam::aws:policy/ReadOnlyAccess is not known
    BROKEN   ! guard no-iam-write-in-prod over 7 principals and 12 cells (3 distinct cases): broken in 2
                   places (policies.cell:100)
      group developers × pay-prod, ledger-prod: is allowed iam:PutRolePolicy on *, forbidden by `writes`
           policies.cell:42, policies.cell:17
    CRITICAL + group developers × pay-prod, ledger-prod (production)       privilege escalation [proven]
      gains  iam:PassRole on arn:aws:iam::111122223333:role/* except
          arn:aws:iam::111122223333:role/app-*  policies.cell:42
      accept as  access-000000000000000000000001
    HIGH     ~ group analysts × all 12 cells                condition loosened: bulk data reads [proven]
      gains  s3:GetObject, s3:GetObjectAcl, s3:GetObjectTagging (+2) on arn:aws:s3:::logs-*
          policies.cell:61
      accept as  access-000000000000000000000002
    MEDIUM   + groups readers, watchers × 28 cells                                        reads [proven]
      gains  ec2:DescribeThing1, ec2:DescribeThing2, ec2:DescribeThing3 (+9), and future actions
          matching ec2:Describe* on *  policies.cell:42
      accept for group readers as  access-000000000000000000000003
      accept for group watchers as  access-000000000000000000000004
    LOW      + group partners × use1-02, use1-03                                        tagging [proven]
      gains  ec2:CreateTags on *  policies.cell:42
      accept as  access-000000000000000000000008
    … 2 more: 1 may, 1 loss; `cellc review` shows them
    1 limit holds less · 1 accept waives nothing · no effect: 2 text changes proven equivalent · not
        modelled: 1 thing · 1204 queries over 37 distinct cases · 6 of 7 regions proven, 1 may · action
        list of 2026-09-26
    ");
}

#[test]
fn verbose_shows_everything() {
    insta::assert_snapshot!(page(&one_of_each(), Look { verbose: true, ..LOOK }), @r"
    access review of main.cell, against revision main
    VERDICT: a guard is broken · 6 principals gain, 1 loses, 14 unchanged; 1 row waived
    guards: 2 of 4 proven  ✗ no-iam-write-in-prod  ? no-billing
      ✓ no-secret-reads over 7 principals and 12 cells (3 distinct cases)
      ✓ no-key-deletion over 7 principals and 12 cells (3 distinct cases)
      ? no-billing may be broken, over 7 principals and 12 cells (3 distinct cases): the document of
          arn:aws:iam::aws:policy/ReadOnlyAccess is not known
    BROKEN   ! guard no-iam-write-in-prod over 7 principals and 12 cells (3 distinct cases): broken in 2
                   places (policies.cell:100)
      group developers × pay-prod, ledger-prod: is allowed iam:PutRolePolicy on *, forbidden by `writes`
        witness  iam:PutRolePolicy on arn:aws:iam::111122223333:role/admin, with aws:RequestedRegion =
            us-west-2  before: deny, after: allow
        together allowed by  allow Roles of permission set Deploy (policies.cell:42); allow All of
            permission set Base (policies.cell:17)
    CRITICAL + group developers × 2 cells (production): pay-prod, ledger-prod
        privilege escalation [proven]
      gains  iam:PassRole on arn:aws:iam::111122223333:role/* except
          arn:aws:iam::111122223333:role/app-*
        path lambda-001 (a new role): iam:PassRole arrives, lambda:CreateFunction, lambda:InvokeFunction
            were there
        witness  iam:PassRole on arn:aws:iam::111122223333:role/admin  before: deny, after: allow
          with aws:RequestedRegion = us-west-2
        after: allow PassAny of permission set Deploy (policies.cell:42)
      is given Deploy by grant deployers (policies.cell:12); by policies.cell:42
      accept as  access-000000000000000000000001
    HIGH     ~ group analysts × 12 cells: use1-01, use1-02, use1-03, use1-04, use1-05, use1-06, use1-07,
                   use1-08, use1-09, use1-10, use1-11, use1-12
        condition loosened: bulk data reads [proven]
      gains  s3:GetObject, s3:GetObjectAcl, s3:GetObjectTagging, s3:GetObjectVersion, s3:ListBucket on
          arn:aws:s3:::logs-*
        aws:SourceVpce is vpce-1 → is anything
        witness  s3:GetObject on arn:aws:s3:::logs-a/x  before: deny, after: allow
          with aws:RequestedRegion = us-west-2
        after: allow Logs of permission set Analyst (policies.cell:61)
      by policies.cell:61
      accept as  access-000000000000000000000002
    MEDIUM   + groups readers, watchers × 28 cells: use1-01, use1-02, use1-03, use1-04, use1-05,
                   use1-06, use1-07, use1-08, use1-09, use1-10, use1-11, use1-12, use1-13, use1-14,
                   use1-15, use1-16, use1-17, use1-18, use1-19, use1-20, use1-21, use1-22, use1-23,
                   use1-24, use1-25, use1-26, use1-27, use1-28
        reads [proven]
      gains  ec2:DescribeThing1, ec2:DescribeThing2, ec2:DescribeThing3, ec2:DescribeThing4,
          ec2:DescribeThing5, ec2:DescribeThing6, ec2:DescribeThing7, ec2:DescribeThing8,
          ec2:DescribeThing9, ec2:DescribeThing10, ec2:DescribeThing11, ec2:DescribeThing12, and future
          actions matching ec2:Describe* on *
        after: allow PassAny of permission set Deploy (policies.cell:42)
      by policies.cell:42
      accept for group readers as  access-000000000000000000000003
      accept for group watchers as  access-000000000000000000000004
    LOW      + group partners × 2 cells: use1-02, use1-03                               tagging [proven]
      same in 2 cells, differs in 1
      gains  ec2:CreateTags on *
        after: allow PassAny of permission set Deploy (policies.cell:42)
      by policies.cell:42
      accept as  access-000000000000000000000008
    MAY      ? group partners × cell use1-01                             at most HIGH: credentials [may]
      same in 1 cell, differs in 2
      may gain  secretsmanager:GetSecretValue on *
        because it depends on ${aws:PrincipalTag/team}, which is not known
      accept as  access-000000000000000000000007
    LOSS     - group support × cell pay-prod (production)                           access lost [proven]
      loses  s3:DeleteObject on *
        before: allow Clean of permission set Support (policies.cell:88)
      open sessions keep it for up to 8 h
      by policies.cell:88
      accept as  access-000000000000000000000005
    WAIVED   group auditors × 1 cell: LOW, reads
      accept audit (policies.cell:120): the yearly audit
      owner group.security, until 2027-01-31, access-000000000000000000000006

    limits that hold less, and that no row above names:
      scp no-delete is no longer attached to root; nobody gains by it now
    accepts that waive nothing:
      accept old expired on 2026-01-31, and names no row of this review (policies.cell:130)
    no effect: 2 text changes proven equivalent
      permission set Operator is written otherwise, and allows what it allowed
      permission set Reader is written otherwise, and allows what it allowed
    access that cellc does not manage:
      user eve has AdministratorAccess in pay-prod
    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
    evidence: 1204 queries over 37 distinct cases · 6 of 7 regions proven, 1 may · action list of
        2026-09-26
    ");
}

#[test]
fn where_nothing_changes_it_says_so() {
    insta::assert_snapshot!(page(&empty(), LOOK), @r"
    access review of main.cell, against revision main
    VERDICT: no review needed · nobody gains or loses, 14 unchanged
    guards: the program has none

    not modelled:
      policies of resources (buckets, keys, queues, roles' trust)
    evidence: 1204 queries over 37 distinct cases · nothing changes · action list of 2026-09-26
    ");
}

#[test]
fn a_large_review_is_folded_and_what_is_left_out_is_counted() {
    let review = big(300, 40);
    let text = page(&review, LOOK);
    assert!(text.lines().count() < 130, "{text}");
    assert!(text.contains("… 260 more: 35 critical, 75 high, 75 medium, 75 low; `--verbose` shows them"), "{text}");
    let text = screen(&review);
    assert!(text.lines().count() <= 24, "{text}");
    let verbose = page(&review, Look { verbose: true, ..LOOK });
    for row in &review.principals {
        assert!(verbose.contains(&row.fingerprint) && verbose.contains(row.gained[0].actions.last().unwrap()));
    }
}

#[test]
fn nothing_of_a_name_reaches_the_terminal_that_it_would_obey() {
    for look in [LOOK, Look { verbose: true, width: 40, color: false }] {
        let text = page(&hostile(), look);
        assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text:?}");
    }
    assert!(screen(&hostile()).chars().all(|c| c == '\n' || !is_hidden(c)));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let colored = page(&one_of_each(), Look { color: true, ..LOOK });
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&colored, ""), page(&one_of_each(), LOOK));
    assert_ne!(colored, page(&one_of_each(), LOOK));
}

#[test]
fn no_line_is_wider_than_the_page() {
    for width in [60, 80, 100, 140] {
        let text = page(&one_of_each(), Look { width, ..LOOK });
        for line in text.lines().filter(|line| line.trim().contains(' ')) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}
