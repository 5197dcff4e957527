//! Reviews made by hand, for what is written from them.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

use super::model::{
    Breach, Delta, Equivalent, Evidence, FORMAT_VERSION, Guard, Holds, KeyChange, Over, Path, Place, Proof, Review,
    Risk, Row, SetChange, Severity, Statement, Time, Verdict, Waived, Witness,
};

/// A text that every output has to make harmless.
pub(super) const HOSTILE: &str =
    "a|b`c</script><img src=x onerror=alert(1)>&\"'\u{1b}[31m\u{202e}\u{2028}\n### _x_ [l](javascript:1) ${y} <!--";

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

pub(super) fn place(entity: &str, line: usize) -> Place {
    Place { entity: entity.to_owned(), file: "policies.cell".to_owned(), line, column: 3 }
}

pub(super) fn empty() -> Review {
    Review {
        format_version: FORMAT_VERSION.to_owned(),
        verdict: Verdict::None,
        fingerprint: "access-000000000000000000000000".to_owned(),
        source: "main.cell".to_owned(),
        base: "revision main".to_owned(),
        principals: Vec::new(),
        unchanged: 14,
        unmanaged: Vec::new(),
        unmanaged_access: None,
        limits: Vec::new(),
        idle: Vec::new(),
        equivalent: Vec::new(),
        guards: Vec::new(),
        not_modelled: texts(&["policies of resources (buckets, keys, queues, roles' trust)"]),
        evidence: Evidence { queries: 1204, proven: 0, may: 0, cases: 37, actions_of: "2026-09-26".to_owned() },
    }
}

pub(super) fn delta(severity: Severity, class: &str, actions: &[&str], resources: &[&str]) -> Delta {
    Delta {
        actions: texts(actions),
        future: Vec::new(),
        resources: texts(resources),
        conditions: Vec::new(),
        changes: Vec::new(),
        witness: None,
        risk: Risk { class: class.to_owned(), severity, because: Vec::new(), paths: Vec::new() },
        proof: Proof::Proven,
        because: Vec::new(),
        sources: vec![statement("allow", "permission_set.Deploy", "PassAny", Time::After, 42)],
        until: None,
    }
}

pub(super) fn statement(effect: &str, policy: &str, sid: &str, side: Time, line: usize) -> Statement {
    Statement {
        effect: effect.to_owned(),
        policy: policy.to_owned(),
        sid: Some(sid.to_owned()),
        side,
        place: Some(place(policy, line)),
        former: false,
    }
}

pub(super) fn witness(action: &str, resource: &str) -> Witness {
    Witness {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: [("aws:RequestedRegion".to_owned(), texts(&["us-west-2"]))].into(),
        before: "deny".to_owned(),
        after: "allow".to_owned(),
    }
}

/// A row; its fingerprint is made of the number.
pub(super) fn row(number: usize, principal: &str, cells: &[&str], gained: Vec<Delta>, lost: Vec<Delta>) -> Row {
    let severity = gained.iter().map(|delta| delta.risk.severity).min().unwrap_or(Severity::Low);
    Row {
        principal: principal.to_owned(),
        name: principal.rsplit('.').next().unwrap_or_default().to_owned(),
        cells: texts(cells),
        production: cells.iter().filter(|cell| cell.contains("prod")).count(),
        everywhere: false,
        severity,
        gained,
        lost,
        sets: SetChange::default(),
        grants: Vec::new(),
        fingerprint: format!("access-{number:024x}"),
        waived: None,
    }
}

/// One of each kind of row, as the design of a review shows them.
pub(super) fn one_of_each() -> Review {
    let pass = Delta {
        witness: Some(witness("iam:PassRole", "arn:aws:iam::111122223333:role/admin")),
        risk: Risk {
            paths: vec![Path {
                id: "lambda-001".to_owned(),
                name: "a new role".to_owned(),
                arrived: texts(&["iam:PassRole"]),
                there: texts(&["lambda:CreateFunction", "lambda:InvokeFunction"]),
                bounded_by: Vec::new(),
            }],
            ..delta(Severity::Critical, "privilege escalation", &[], &[]).risk
        },
        ..delta(
            Severity::Critical,
            "privilege escalation",
            &["iam:PassRole"],
            &["arn:aws:iam::111122223333:role/* except arn:aws:iam::111122223333:role/app-*"],
        )
    };
    let loosened = Delta {
        conditions: texts(&["aws:SourceVpce is anything"]),
        changes: vec![KeyChange {
            key: "aws:SourceVpce".to_owned(),
            before: "is vpce-1".to_owned(),
            after: "is anything".to_owned(),
        }],
        witness: Some(witness("s3:GetObject", "arn:aws:s3:::logs-a/x")),
        sources: vec![statement("allow", "permission_set.Analyst", "Logs", Time::After, 61)],
        ..delta(
            Severity::High,
            "bulk data reads",
            &["s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:ListBucket"],
            &["arn:aws:s3:::logs-*"],
        )
    };
    let reads: Vec<String> = (1..=12).map(|number| format!("ec2:DescribeThing{number}")).collect();
    let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
    let look = Delta { future: texts(&["ec2:Describe*"]), ..delta(Severity::Medium, "reads", &reads, &["*"]) };
    let may = Delta {
        proof: Proof::May,
        because: texts(&["it depends on ${aws:PrincipalTag/team}, which is not known"]),
        sources: Vec::new(),
        ..delta(Severity::High, "credentials", &["secretsmanager:GetSecretValue"], &["*"])
    };
    let less = Delta {
        until: Some("PT8H".to_owned()),
        sources: vec![statement("allow", "permission_set.Support", "Clean", Time::Before, 88)],
        ..delta(Severity::Low, "destructive writes", &["s3:DeleteObject"], &["*"])
    };
    let cells: Vec<String> = (1..=30).map(|number| format!("cell.use1-{number:02}")).collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let mut developers = row(1, "group.developers", &["cell.pay-prod", "cell.ledger-prod"], vec![pass], Vec::new());
    developers.sets.given = texts(&["permission_set.Deploy"]);
    developers.grants = vec![place("grant.deployers", 12)];
    let mut analysts = row(2, "group.analysts", &cells[..12], vec![loosened], Vec::new());
    analysts.everywhere = true;
    let mut waived = row(
        6,
        "group.auditors",
        &["cell.pay-prod"],
        vec![delta(Severity::Low, "reads", &["iam:GetRole"], &["*"])],
        Vec::new(),
    );
    waived.waived = Some(Waived {
        label: "audit".to_owned(),
        reason: "the yearly audit".to_owned(),
        owner: "group.security".to_owned(),
        expires: "2027-01-31".to_owned(),
        place: place("accept audit", 120),
    });
    let other = vec![delta(Severity::Low, "tagging", &["ec2:CreateTags"], &["*"])];
    let principals = vec![
        developers,
        analysts,
        row(7, "group.partners", &["cell.use1-01"], vec![may], Vec::new()),
        row(3, "group.readers", &cells[..28], vec![look.clone()], Vec::new()),
        row(4, "group.watchers", &cells[..28], vec![look], Vec::new()),
        row(8, "group.partners", &["cell.use1-02", "cell.use1-03"], other, Vec::new()),
        waived,
        row(5, "group.support", &["cell.pay-prod"], Vec::new(), vec![less]),
    ];
    Review {
        verdict: Verdict::Broken,
        principals,
        equivalent: ["Operator", "Reader"]
            .map(|set| Equivalent {
                address: format!("permission_set.{set}"),
                text: "is written otherwise, and allows what it allowed".to_owned(),
            })
            .into(),
        limits: vec![Equivalent {
            address: "scp.no-delete".to_owned(),
            text: "is no longer attached to root; nobody gains by it now".to_owned(),
        }],
        idle: vec![Equivalent {
            address: "accept old".to_owned(),
            text: "expired on 2026-01-31, and names no row of this review (policies.cell:130)".to_owned(),
        }],
        guards: guards(),
        unmanaged: texts(&["user eve has AdministratorAccess in pay-prod"]),
        evidence: Evidence { proven: 6, may: 1, ..empty().evidence },
        ..empty()
    }
}

fn guards() -> Vec<Guard> {
    let over = Over { principals: 7, cells: 12, cases: 3 };
    let guard = |label: &str, holds| Guard {
        guard: format!("guard.{label}"),
        holds,
        over,
        broken: Vec::new(),
        breaches: 0,
        because: Vec::new(),
        place: place(&format!("guard.{label}"), 100),
    };
    let allowed = Delta {
        witness: Some(witness("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/admin")),
        sources: vec![
            statement("allow", "permission_set.Deploy", "Roles", Time::After, 42),
            statement("allow", "permission_set.Base", "All", Time::After, 17),
        ],
        ..delta(Severity::Critical, "limit weakened", &["iam:PutRolePolicy"], &["*"])
    };
    let breach = Breach {
        principal: "group.developers".to_owned(),
        cells: texts(&["cell.pay-prod", "cell.ledger-prod"]),
        forbid: "writes".to_owned(),
        allowed,
    };
    vec![
        guard("no-secret-reads", Holds::Proven),
        Guard { broken: vec![breach], breaches: 2, ..guard("no-iam-write-in-prod", Holds::Broken) },
        Guard {
            because: texts(&["the document of arn:aws:iam::aws:policy/ReadOnlyAccess is not known"]),
            ..guard("no-billing", Holds::May)
        },
        guard("no-key-deletion", Holds::Proven),
    ]
}

/// Every text of a review, hostile.
pub(super) fn hostile() -> Review {
    fn spoil(value: &mut serde_json::Value, key: &str) {
        const KEPT: &[&str] = &["severity", "proof", "holds", "verdict", "side", "format_version", "until"];
        match value {
            serde_json::Value::String(text) if !KEPT.contains(&key) => *text = HOSTILE.to_owned(),
            serde_json::Value::Array(all) => all.iter_mut().for_each(|one| spoil(one, key)),
            serde_json::Value::Object(fields) => fields.iter_mut().for_each(|(key, one)| spoil(one, key)),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(one_of_each()).unwrap();
    spoil(&mut json, "");
    serde_json::from_value(json).unwrap()
}

/// A review of so many principals that gain otherwise each, in so many cells.
pub(super) fn big(principals: usize, cells: usize) -> Review {
    let cells: Vec<String> = (0..cells).map(|number| format!("cell.prod-usw2-{number:04}")).collect();
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let one = |number: usize| {
        let severity = severities[number * severities.len() / principals];
        let actions: Vec<String> = (0..=number % 40).map(|action| format!("ec2:DoThing{number}x{action}")).collect();
        let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
        let gained = vec![delta(severity, "writes", &actions, &["arn:aws:ec2:*:*:instance/*"])];
        row(number, &format!("group.team-{number:04}"), &cells, gained, Vec::new())
    };
    Review { verdict: Verdict::Review, principals: (0..principals).map(one).collect(), ..empty() }
}
