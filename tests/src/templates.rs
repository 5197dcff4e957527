//! Templates as `cellc pipelines` prints them, for the judges and the emulators of others. Owns how they are got, linted, and
//! deployed to an emulator with the stock AWS CLI.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::cellc;
use crate::{npm, repository, venv};

/// How long a stack may take on an emulator.
const PATIENCE: Duration = Duration::from_mins(2);

/// What `cellc pipelines --format json` prints of a program.
pub fn document(program: &Path) -> Result<Value, String> {
    let program = program.to_str().ok_or("a path that is no text")?;
    let output = cellc(repository::root(), &["pipelines", program, "--format", "json"], &[])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("`cellc pipelines {program}` failed:\n{said}"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}\n{said}"))
}

/// The stacks of a document.
pub fn stacks(document: &Value) -> &[Value] {
    document["stacks"].as_array().map_or(&[], Vec::as_slice)
}

/// The stack of an address.
pub fn stack<'d>(document: &'d Value, address: &str) -> Result<&'d Value, String> {
    let found = stacks(document).iter().find(|stack| stack["address"] == address);
    found.ok_or_else(|| format!("there is no {address}; left out: {}", document["left_out"]))
}

/// What cfn-lint finds in templates, as they are for their regions; none is what is hoped for.
pub fn lint(stacks: &[Value]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut by_region: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for stack in stacks {
        let path = folder.path().join(stack["file"].as_str().unwrap_or_default());
        repository::write(&path, &stack["template"].to_string())?;
        let of_region = by_region.entry(stack["region"].as_str().unwrap_or_default()).or_default();
        of_region.push(path.to_string_lossy().into_owned());
    }
    let mut found = Vec::new();
    for (region, files) in by_region {
        // A process for many: it takes seconds to read its schemas.
        for part in files.chunks(60) {
            found.extend(linted(region, part)?);
        }
    }
    Ok(found)
}

fn linted(region: &str, files: &[String]) -> Result<Vec<String>, String> {
    let output = Command::new(venv::cfn_lint()?)
        .args(["--format", "json", "--regions", region, "--template"])
        .args(files)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cfn-lint cannot be run: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let found: Vec<Value> = serde_json::from_str(&out).map_err(|error| format!("cfn-lint: {error}\n{out}\n{err}"))?;
    if found.is_empty() != output.status.success() {
        return Err(format!("cfn-lint ended with {}:\n{out}\n{err}", output.status));
    }
    let line = |one: &Value| {
        format!("{} {} at {}: {}", one["Filename"], one["Rule"]["Id"], one["Location"]["Path"], one["Message"])
    };
    Ok(found.iter().map(line).collect())
}

/// The regions whose CloudFormation has a type of resource, as cfn-lint's schemas have it.
pub fn regions_with(kind: &str) -> Result<Vec<String>, String> {
    const ASK: &str = "import json, sys
from cfnlint.helpers import REGIONS
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as schemas
print(json.dumps([region for region in REGIONS if sys.argv[1] in schemas.get_resource_types(region)]))";
    let output = Command::new(venv::cfn_lint()?.with_file_name("python"))
        .args(["-c", ASK, kind])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cfn-lint's Python cannot be run: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The state machines of a stack, by logical id, with everything filled in.
pub fn machines(stack: &Value) -> Vec<(String, Value)> {
    let resources = stack["template"]["Resources"].as_object().into_iter().flatten();
    let machines = resources.filter(|(_, resource)| resource["Type"] == "AWS::StepFunctions::StateMachine");
    machines.map(|(id, resource)| (id.clone(), definition(&resource["Properties"]))).collect()
}

fn definition(properties: &Value) -> Value {
    let mut text = properties["DefinitionString"].as_str().unwrap_or_default().to_owned();
    for (name, _) in properties["DefinitionSubstitutions"].as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "Observe" => "arn:aws:lambda:us-west-2:111111111111:function:cellc-observe",
            "Back" => "back",
            _ => "111111111111",
        };
        text = text.replace(&format!("${{{name}}}"), value);
    }
    serde_json::from_str(&text).unwrap_or_default()
}

/// What asl-validator finds in state machines.
pub fn judged(machines: &[(String, Value)]) -> Result<Vec<String>, String> {
    let input = serde_json::to_string(machines).map_err(|error| error.to_string())?;
    let out = npm::run("node", &["validate.mjs"], npm::states()?, &input)?;
    serde_json::from_str(&out).map_err(|error| format!("{error} in {out}"))
}

/// Makes a stack with `run`, the AWS CLI as somebody in the stack's account, and waits until it is there.
pub fn deploy(stack: &Value, run: &dyn Fn(&str) -> Result<Value, String>) -> Result<(), String> {
    let (name, region) = (stack["name"].as_str().unwrap_or_default(), stack["region"].as_str().unwrap_or_default());
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("template.json");
    repository::write(&path, &stack["template"].to_string())?;
    run(&format!(
        "cloudformation create-stack --region {region} --stack-name {name} --template-body file://{} \
         --capabilities CAPABILITY_NAMED_IAM",
        path.display()
    ))?;
    let until = Instant::now() + PATIENCE;
    loop {
        let found = run(&format!("cloudformation describe-stacks --region {region} --stack-name {name}"))?;
        match found["Stacks"][0]["StackStatus"].as_str().unwrap_or_default() {
            "CREATE_COMPLETE" => return Ok(()),
            "CREATE_IN_PROGRESS" if Instant::now() < until => std::thread::sleep(Duration::from_millis(300)),
            state => {
                let events =
                    run(&format!("cloudformation describe-stack-events --region {region} --stack-name {name}"))?;
                return Err(format!("{name} is {state}: {events:#}"));
            }
        }
    }
}
