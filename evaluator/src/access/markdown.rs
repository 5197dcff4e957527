//! A review as Markdown for a pull request. Owns its form, that it is never longer than a comment may be, and that
//! nothing foreign in it is markup: what is not our own word stands in a code span, or is escaped.

use super::entries::{Entry, Mark, entries, waived};
use super::model::{Delta, Guard, Holds, Proof, Review};
use super::phrases;
use crate::terminal::{address, visible};
use crate::words::counted;

/// Bytes of a page at most. A comment on GitHub takes 65,536 characters.
pub const LIMIT: usize = 60_000;

/// Bytes of the table, of the guards, and of what stands at the end, at most; the details take what is left.
const TABLE: usize = 20_000;
const GUARDS: usize = 8_000;
const FOOT: usize = 8_000;

/// Bytes that the lines which say what is left out may take.
const SPARE: usize = 1_000;

/// Items of a list in the table, and in the details.
const FEW: usize = 3;
const MANY: usize = 40;

/// Regions of an entry that are told.
const REGIONS: usize = 20;

/// The review as Markdown (GitHub's), at most [`LIMIT`] bytes. What does not fit is counted, and never cut in the
/// middle.
pub fn page(review: &Review) -> String {
    let entries = entries(review);
    let mut out = head(review);
    table(&mut out, &entries);
    guards(&mut out, &review.guards);
    let foot = foot(review);
    let room = LIMIT.saturating_sub(foot.len() + SPARE);
    let mut left = 0;
    for entry in &entries {
        let fold = details(entry);
        // What is graver comes first: behind the first that does not fit nothing is shown.
        if left > 0 || out.len() + fold.len() > room {
            left += 1;
        } else {
            out.push_str(&fold);
        }
    }
    if left > 0 {
        let word = if left == 1 { "entry has" } else { "entries have" };
        out.push_str(&format!(
            "\n{left} more {word} no details here: the page would be too long. `cellc review` has them.\n"
        ));
    }
    out.push_str(&foot);
    out
}

fn head(review: &Review) -> String {
    let mut sum = phrases::sum(review);
    let waived = waived(review).count();
    if waived > 0 {
        sum.push_str(&format!("; {} waived", counted(waived, "row")));
    }
    let subject = prose(&phrases::subject(review));
    format!("## Access review: {}\n\n{sum} · {subject}\n", phrases::verdict(review.verdict))
}

fn table(out: &mut String, entries: &[Entry<'_>]) {
    if entries.is_empty() {
        return;
    }
    out.push_str("\n| Risk | Who | Where | What | Proof | Source |\n|---|---|---|---|---|---|\n");
    let end = out.len() + TABLE;
    for (at, entry) in entries.iter().enumerate() {
        let line = line(entry);
        if out.len() + line.len() > end {
            out.push_str(&format!("| | … and {} more | | | | |\n", entries.len() - at));
            return;
        }
        out.push_str(&line);
    }
}

/// A line of the table.
fn line(entry: &Entry<'_>) -> String {
    let mut what = vec![format!("**{}**", class(entry))];
    what.extend(entry.deltas().next().map(|delta| region(delta, entry.gained.is_empty(), FEW)));
    let more = entry.deltas().count().saturating_sub(1);
    if more > 0 {
        what.push(format!("and {}", counted(more, "more region")));
    }
    let cells = [
        format!("**{}**", label(entry)),
        list(&phrases::principals(entry), FEW),
        places(entry, FEW),
        what.join("<br>"),
        proof(entry).to_owned(),
        list(&phrases::lines(entry.deltas()), 2),
    ];
    // A pipe ends a cell, in a code span too.
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A fold with everything about an entry.
fn details(entry: &Entry<'_>) -> String {
    let who = prose(&phrases::principals(entry).into_iter().take(FEW).collect::<Vec<_>>().join(", "));
    let more = entry.rows.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = prose(&phrases::count_of_places(entry.cells()));
    let mut out = format!(
        "\n<details>\n<summary><b>{}</b> {who}{more} × {count}: {}</summary>\n\n",
        label(entry),
        prose(&phrases::class(entry))
    );
    out.push_str(&format!("- in {}\n", places(entry, MANY)));
    if entry.rows.len() > 1 {
        out.push_str(&format!("- {}\n", list(&phrases::principals(entry), MANY)));
    }
    for (lost, deltas) in [(false, &entry.gained), (true, &entry.lost)] {
        for delta in deltas.iter().take(REGIONS) {
            one_region(&mut out, delta, lost);
        }
        let more = deltas.len().saturating_sub(REGIONS);
        if more > 0 {
            out.push_str(&format!("- and {}, none graver\n", counted(more, "more region")));
        }
    }
    causes(&mut out, entry);
    // Nobody has to answer for what is lost.
    if entry.mark != Mark::Loss {
        let prints: Vec<String> = entry.rows.iter().map(|row| visible::name(&row.fingerprint)).collect();
        out.push_str(&format!("- accept as {}\n", list(&prints, MANY)));
    }
    out.push_str("\n</details>\n");
    out
}

fn one_region(out: &mut String, delta: &Delta, lost: bool) {
    out.push_str(&format!("- {} [{}]\n", region(delta, lost, MANY), phrases::proof(delta.proof)));
    for change in phrases::key_changes(delta) {
        out.push_str(&format!("  - {}\n", code(&change)));
    }
    for reason in &delta.because {
        out.push_str(&format!("  - because {}\n", prose(&visible::text(reason))));
    }
    for path in delta.risk.paths.iter().take(REGIONS) {
        out.push_str(&format!("  - path {}\n", code(&phrases::path(path))));
    }
    if let Some(witness) = &delta.witness {
        let context = phrases::context(witness);
        let with = if context.is_empty() { String::new() } else { format!(" with {}", list(&context, MANY)) };
        let (request, answers) = (code(&phrases::request(witness)), prose(&phrases::answers(witness)));
        out.push_str(&format!("  - witness {request}{with}: {answers}\n"));
    }
    for statement in phrases::deciding(delta).take(MANY) {
        out.push_str(&format!("  - {}: {}\n", phrases::side(statement.side), code(&phrases::statement(statement))));
    }
    if let Some(until) = phrases::until(delta) {
        out.push_str(&format!("  - {}\n", prose(&until)));
    }
}

/// By which grants and sets.
fn causes(out: &mut String, entry: &Entry<'_>) {
    let Some(row) = entry.row() else { return };
    if !row.sets.given.is_empty() {
        out.push_str(&format!("- is given {}", code(&phrases::sets(&row.sets.given))));
        let mut grants: Vec<String> = Vec::new();
        for grant in entry.rows.iter().flat_map(|row| &row.grants).map(phrases::entity) {
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        let by = if grants.is_empty() { String::new() } else { format!(" by {}", list(&grants, MANY)) };
        out.push_str(&format!("{by}\n"));
    }
    if !row.sets.taken.is_empty() {
        out.push_str(&format!("- loses the set {}\n", code(&phrases::sets(&row.sets.taken))));
    }
    if entry.otherwise > 0 {
        let here = phrases::count_of_places(entry.cells());
        out.push_str(&format!("- same in {}, differs in {}\n", prose(&here), entry.otherwise));
    }
}

fn guards(out: &mut String, guards: &[Guard]) {
    if guards.is_empty() {
        out.push_str("\n**Guards:** the program has none\n");
        return;
    }
    out.push_str(&format!("\n**Guards:** {}\n\n", phrases::guards(guards)));
    let end = out.len() + GUARDS;
    let mut order: Vec<&Guard> = guards.iter().collect();
    order.sort_by_key(|guard| match guard.holds {
        Holds::Broken => 0,
        Holds::May => 1,
        Holds::Proven => 2,
    });
    for (at, guard) in order.iter().enumerate() {
        let told = one_guard(guard);
        if out.len() + told.len() > end {
            out.push_str(&format!("- … and {}\n", counted(order.len() - at, "more guard")));
            return;
        }
        out.push_str(&told);
    }
}

fn one_guard(guard: &Guard) -> String {
    let (sign, name) = (sign(guard.holds), code(&address::label(&guard.guard)));
    let at = code(&phrases::place(&guard.place));
    let mut out = format!("- {sign} {name} {}, {} ({at})\n", phrases::holds(guard.holds), phrases::over(guard));
    for reason in guard.because.iter().take(FEW) {
        out.push_str(&format!("  - because {}\n", prose(&visible::text(reason))));
    }
    for breach in guard.broken.iter().take(FEW) {
        let who = code(&address::with_kind(&breach.principal));
        let cells: Vec<String> = breach.cells.iter().map(|cell| address::label(cell)).collect();
        let what = region_words(&breach.allowed, FEW);
        out.push_str(&format!("  - {who} in {} is allowed {what}\n", list(&cells, FEW)));
        if let Some(witness) = &breach.allowed.witness {
            out.push_str(&format!("    - witness {}\n", code(&phrases::request(witness))));
        }
        let statements: Vec<String> = phrases::deciding(&breach.allowed).map(phrases::statement).collect();
        if !statements.is_empty() {
            out.push_str(&format!("    - together allowed by {}\n", list(&statements, FEW)));
        }
    }
    out
}

fn foot(review: &Review) -> String {
    let mut out = String::new();
    let mut part = |title: &str, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        out.push_str(&format!("\n<details>\n<summary>{title}</summary>\n\n"));
        let end = out.len() + FOOT / 4;
        for (at, item) in items.iter().enumerate() {
            if out.len() + item.len() > end {
                out.push_str(&format!("- … and {} more\n", items.len() - at));
                break;
            }
            out.push_str(item);
        }
        out.push_str("\n</details>\n");
    };
    let waived: Vec<String> = waived(review)
        .filter_map(|row| Some((row, row.waived.as_ref()?)))
        .map(|(row, waived)| {
            format!(
                "- {} in {}: {}, owner {}, until {} ({}, accept {}, {})\n",
                code(&phrases::principal(row)),
                prose(&phrases::count_of_places(&row.cells)),
                prose(&visible::text(&waived.reason)),
                code(&visible::text(&waived.owner)),
                prose(&visible::text(&waived.expires)),
                code(&phrases::place(&waived.place)),
                code(&visible::text(&waived.label)),
                code(&visible::name(&row.fingerprint)),
            )
        })
        .collect();
    part(&format!("waived: {}", counted(waived.len(), "row")), waived);
    let equivalent = review.equivalent.iter();
    let equivalent: Vec<String> = equivalent
        .map(|one| format!("- {}: {}\n", code(&address::with_kind(&one.address)), prose(&visible::text(&one.text))))
        .collect();
    part(&format!("no effect: {} proven equivalent", counted(equivalent.len(), "text change")), equivalent);
    let unmanaged = review.unmanaged.iter().map(|one| format!("- {}\n", prose(&visible::text(one)))).collect();
    part("access that cellc does not manage", unmanaged);
    let unseen = review.not_modelled.iter().map(|one| format!("- {}\n", prose(&visible::text(one)))).collect();
    part("not modelled", unseen);
    out.push_str(&format!("\n{}\n", prose(&phrases::evidence(review))));
    out.push_str(&format!("\nThe change as a whole: {}\n", code(&visible::name(&review.fingerprint))));
    out
}

fn label(entry: &Entry<'_>) -> &'static str {
    match entry.mark {
        Mark::Gain(severity) => severity.word(),
        Mark::May(_) => "MAY",
        Mark::Loss => "LOSS",
    }
}

/// The class; of what may be, how grave it is at most.
fn class(entry: &Entry<'_>) -> String {
    match entry.mark {
        Mark::May(severity) => format!("at most {}: {}", severity.word(), prose(&phrases::class(entry))),
        _ => prose(&phrases::class(entry)),
    }
}

fn proof(entry: &Entry<'_>) -> &'static str {
    entry.deltas().map(|delta| delta.proof).max().map(phrases::proof).unwrap_or_default()
}

/// Where, with names.
fn places(entry: &Entry<'_>, most: usize) -> String {
    let names: Vec<String> = entry.cells().iter().map(|cell| address::label(cell)).collect();
    let production = entry.row().map(phrases::production).unwrap_or_default();
    format!("{}{production}: {}", prose(&phrases::count_of_places(entry.cells())), list(&names, most))
}

/// `gains iam:PassRole on …`
fn region(delta: &Delta, lost: bool, most: usize) -> String {
    let verb = match delta.proof {
        _ if lost => "loses",
        Proof::Proven => "gains",
        Proof::May => "may gain",
    };
    format!("{verb} {}", region_words(delta, most))
}

fn region_words(delta: &Delta, most: usize) -> String {
    let mut out = list(&phrases::actions(delta), most);
    if let Some(future) = phrases::future(delta, most) {
        let and = if out.is_empty() { "" } else { ", and " };
        out.push_str(&format!("{and}{}", code(&future)));
    }
    let shown = |all: &[String]| list(&all.iter().map(|one| visible::text(one)).collect::<Vec<_>>(), most);
    if !delta.resources.is_empty() {
        out.push_str(&format!(" on {}", shown(&delta.resources)));
    }
    if !delta.conditions.is_empty() && delta.changes.is_empty() {
        out.push_str(&format!(" when {}", shown(&delta.conditions)));
    }
    out
}

fn sign(holds: Holds) -> char {
    match holds {
        Holds::Proven => '✓',
        Holds::May => '?',
        Holds::Broken => '✗',
    }
}

/// Code spans of the first items, and how many more there are.
fn list(items: &[String], most: usize) -> String {
    phrases::folded(&items.iter().map(|item| code(item)).collect::<Vec<_>>(), most)
}

/// A code span in which nothing is markup, whatever the text: its fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let edge = |c: Option<char>| c.is_none_or(|c| c == '`' || c == ' ');
    let pad = if edge(text.chars().next()) || edge(text.chars().next_back()) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text as prose: within a line of Markdown, or of HTML. What could be markup, a mention, a reference or a link is
/// written as a character reference, which is read as the character and as nothing else.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' | '`' | '*' | '_' | '[' | ']' | '\\' | '|' | '~' | '$' | '!' => {
                out.push_str(&format!("&#{};", c as u32));
            }
            c => out.push(c),
        }
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
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
            - witness `iam:PutRolePolicy on arn:aws:iam::111122223333:role/admin`
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
}
