//! `cellc sandbox`: the emulated AWS on its own. Owns the server's life; how it behaves is `cell_sandbox`'s.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cell_eval::plan::desired::Desired;
use cell_sandbox::{Running, Sandbox};
use serde_json::json;

use crate::args::{Format, SandboxCommand};
use crate::cloud::{OWN, sandbox};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::signals;

/// How often the server looks whether it was told to stop.
const TICK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) fn run(command: &SandboxCommand, output: &Output) -> Status {
    match command {
        SandboxCommand::Serve(args) => {
            let address = SocketAddr::new(args.host, args.port);
            let folder = &args.program.path;
            if folder.is_dir() && !folder.join("main.cell").exists() {
                output.remark(&format!(
                    "there is no program in {}: the organization begins empty; `POST /_sandbox/seed` fills it",
                    folder.display()
                ));
                return serve(folder, &Desired::default(), address, output).unwrap_or_else(|status| status);
            }
            output.run(&args.program, |run| {
                let subject = run.subject(jiff::Timestamp::now());
                subject
                    .and_then(|(subject, _)| serve(&run.folder(), &subject.desired, address, output))
                    .unwrap_or_else(|status| status)
            })
        }
        SandboxCommand::Reset(args) => output.run(&args.program, |run| {
            let done = open(&run.folder())
                .and_then(|sandbox| sandbox.reset().map_err(|error| output::fail(&error.to_string())))
                .and_then(|()| forget_record(run));
            done.map_or_else(|status| status, |()| output::result(Format::Text, "the sandbox is empty\n"))
        }),
        SandboxCommand::Advance(args) => output.run(&args.program, |run| {
            let moved = open(&run.folder())
                .and_then(|sandbox| sandbox.advance(args.by).map_err(|error| output::fail(&error.to_string())));
            moved.map_or_else(
                |status| status,
                |()| output::result(Format::Text, &format!("the sandbox's clock is {} s on\n", args.by.as_secs())),
            )
        }),
    }
}

fn open(beside: &Path) -> Result<std::sync::Arc<Sandbox>, Status> {
    let folder = beside.join(OWN).join("sandbox");
    std::fs::create_dir_all(&folder)
        .map_err(|error| output::fail(&format!("{} cannot be made: {error}", folder.display())))?;
    let config = sandbox::config(&folder).map_err(|message| output::fail(&message))?;
    Sandbox::open(Some(&folder), config)
        .map_err(|error| output::fail(&format!("the sandbox cannot be opened: {error}")))
}

/// A record of what was in the sandbox would speak of what is no more.
fn forget_record(run: &Run<'_>) -> Result<(), Status> {
    let folder = run.folder().join(OWN).join("sandbox");
    for name in ["registry.json", "registry.json.lock"] {
        gone(std::fs::remove_file(folder.join(name)))?;
    }
    gone(std::fs::remove_dir_all(folder.join("registry.json.journal")))
}

fn gone(removed: std::io::Result<()>) -> Result<(), Status> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(output::fail(&format!("the record of the sandbox cannot be removed: {error}")))
        }
        _ => Ok(()),
    }
}

fn serve(beside: &Path, desired: &Desired, address: SocketAddr, output: &Output) -> Result<Status, Status> {
    let sandbox = open(beside)?;
    let mut config = sandbox.config();
    config.listen_anywhere = !address.ip().is_loopback();
    sandbox::raise(&mut config, desired);
    sandbox.set_config(config).map_err(|error| output::fail(&error.to_string()))?;
    if sandbox.is_empty() {
        sandbox
            .seed(&sandbox::seed(desired))
            .map_err(|error| output::fail(&format!("the sandbox cannot be seeded: {error}")))?;
    }
    let stop = signals::stop();
    let running = Running::start(sandbox, address)
        .map_err(|error| output::fail(&format!("the sandbox cannot listen on {address}: {error}")))?;
    let url = running.url();
    let region = desired.org.home_region.as_deref().unwrap_or("us-east-1");
    output::result(
        output.format,
        &match output.format {
            Format::Json => format!("{}\n", json!({ "url": url })),
            Format::Text => format!(
                "an emulated AWS answers on {url}; nothing real is touched. Ctrl-C ends it.\n\
             export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION={region} AWS_DEFAULT_REGION={region}\n"
            ),
        },
    );
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK);
    }
    drop(running);
    Ok(Status::Done)
}
