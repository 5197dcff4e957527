//! The results of tests as one JSON document. Owns its names; spec/schemas/test.schema.json says what they mean.

use cell_lang::source::Span;
use serde_json::{Value as Json, json};

use super::{End, Tested, Tests, Why, unmet_differences};
use crate::emit::{FORMAT_VERSION, source, to_json};
use crate::expand::{Expectation, Reason, Verdict};
use crate::world::World;

/// The document.
pub fn document(world: &World<'_>, tests: &Tests) -> Json {
    let of = |end: End| tests.run.iter().filter(|test| test.end == end).count();
    let sources = &world.program().sources;
    let left_out = tests.left_out.iter().map(|left_out| {
        let why = match left_out.why {
            Why::NeedsValues => "needs-values",
            Why::NotOfProgram => "not-of-program",
        };
        json!({ "file": sources.path(left_out.file), "tests": left_out.tests, "why": why })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "source": source(world),
        "tests": tests.run.iter().map(|test| one(world, test)).collect::<Vec<_>>(),
        "not_run": left_out.collect::<Vec<_>>(),
        "summary": {
            "passed": of(End::Passed),
            "failed": of(End::Failed),
            "errors": of(End::Error),
            "filtered": tests.filtered,
        },
    })
}

fn one(world: &World<'_>, test: &Tested) -> Json {
    let result = match test.end {
        End::Passed => "passed",
        End::Failed => "failed",
        End::Error => "error",
    };
    json!({
        "name": test.name,
        "module": (!test.module.is_empty()).then_some(&test.module),
        "file": world.program().sources.path(test.span.file),
        "span": place(world, test.span),
        "result": result,
        "expectations": test.expectations.iter().map(|each| expectation(world, each)).collect::<Vec<_>>(),
    })
}

fn expectation(world: &World<'_>, expectation: &Expectation) -> Json {
    let text = world.program().sources.text(expectation.span);
    let (result, reasons, differences) = match &expectation.verdict {
        Verdict::Holds => ("passed", Vec::new(), Vec::new()),
        Verdict::Error => ("error", Vec::new(), Vec::new()),
        Verdict::Fails(unmet) => {
            let reasons = unmet.reasons.iter().map(|each| reason(world, each)).collect();
            ("failed", reasons, unmet_differences(world, unmet))
        }
    };
    json!({
        "text": text,
        "span": place(world, expectation.span),
        "result": result,
        "reasons": reasons,
        "differences": differences,
    })
}

fn reason(world: &World<'_>, reason: &Reason) -> Json {
    let mut value = json!({
        "text": world.program().sources.text(reason.span),
        "span": place(world, reason.span),
        "found": reason.text,
    });
    if let (Some(found), Some(fields)) = (&reason.value, value.as_object_mut()) {
        fields.insert("value".to_owned(), to_json(world, found));
    }
    value
}

fn place(world: &World<'_>, span: Span) -> Json {
    let (start, end) = world.program().sources.range(span);
    json!({
        "start": { "line": start.line, "column": start.column },
        "end": { "line": end.line, "column": end.column },
    })
}
