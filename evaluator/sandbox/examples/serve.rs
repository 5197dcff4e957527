//! A sandbox on its own: `serve [ADDRESS [FOLDER [SEED.json]]]`.

use cell_sandbox::{Config, Running, Sandbox, Seed};
use std::error::Error;
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:4600".to_owned()).parse()?;
    let folder = args.next().filter(|folder| folder != "-");
    let sandbox = Sandbox::open(folder.as_deref().map(Path::new), Config::default())?;
    let seed = match args.next() {
        Some(file) => serde_json::from_slice(&std::fs::read(file)?)?,
        None => Seed::default(),
    };
    if sandbox.is_empty() {
        sandbox.seed(&seed)?;
    }
    let running = Running::start(sandbox, address)?;
    writeln!(std::io::stdout(), "{}", running.url())?;
    loop {
        std::thread::park();
    }
}
