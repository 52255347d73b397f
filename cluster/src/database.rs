//! A PostgreSQL server of our own in a temporary directory. It listens on a loopback port that
//! was free, lets `assent` in without a password, and is gone with its value.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root; Debian's package makes this user for it.
const USER: &str = "postgres";

/// Whether what is committed survives the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Full,
    /// Faster: for tests that never cut the power.
    None,
}

/// A running server.
#[derive(Debug)]
pub struct Database {
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    /// Ends the server when we end without having done so: it reads what we never write.
    watch: Child,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are ended, everything is written.
    Fast,
    /// As if the power went.
    Immediate,
}

impl Database {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start(durability: Durability) -> Result<Self> {
        let programs = programs()?;
        let directory = tempfile::Builder::new().prefix("assent-postgres").tempdir()?;
        if is_root()? {
            run(Command::new("chown").arg(USER).arg(directory.path()))?;
        }
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let watch = watch(&programs, directory.path())?;
        let database = Self { programs, directory, port, watch };
        let cluster = database.cluster();
        database.run("initdb", ["-D", &cluster, "-A", "trust", "-U", "assent", "-E", "UTF8"])?;
        database.configure(durability)?;
        database.start_again()?;
        database.run(
            "createdb",
            ["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "assent", "assent"],
        )?;
        Ok(database)
    }

    /// Starts the server again after [`Database::stop`].
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&self) -> Result<()> {
        let log = self.log_file();
        let log = log.to_string_lossy();
        self.run("pg_ctl", ["-D", &self.cluster(), "-l", &log, "-w", "-t", "60", "start"])
    }

    /// Stops the server.
    ///
    /// # Errors
    /// It does not stop.
    pub fn stop(&self, stop: Stop) -> Result<()> {
        let mode = match stop {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        self.run("pg_ctl", ["-D", &self.cluster(), "-m", mode, "-w", "-t", "60", "stop"])
    }

    /// Restarts the server so that it takes connections with TLS only; answers the file of the
    /// authority that signed its certificate.
    ///
    /// # Errors
    /// The certificate cannot be made, or the server does not start.
    pub fn require_tls(&self) -> Result<PathBuf> {
        let cluster = PathBuf::from(self.cluster());
        let (key, certificate) = (cluster.join("server.key"), cluster.join("server.crt"));
        let (root_key, root) = (cluster.join("root.key"), cluster.join("root.crt"));
        let fresh = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
        let mut openssl = self.as_user(Path::new("openssl"))?;
        openssl.args(fresh).args(["-subj", "/CN=assent test authority"]);
        run(openssl.arg("-keyout").arg(&root_key).arg("-out").arg(&root))?;
        let mut openssl = self.as_user(Path::new("openssl"))?;
        openssl.args(fresh).args(["-subj", "/CN=assent test database"]);
        openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-CA").arg(&root).arg("-CAkey").arg(&root_key);
        run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate))?;
        run(Command::new("chmod").arg("600").arg(&key))?;
        let path = cluster.join("postgresql.auto.conf");
        let settings = std::fs::read_to_string(&path)?;
        std::fs::write(&path, format!("{settings}ssl = on\n"))?;
        std::fs::write(cluster.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n")?;
        self.stop(Stop::Fast)?;
        self.start_again()?;
        let authority = self.directory.path().join("authority.pem");
        std::fs::copy(&root, &authority)?;
        Ok(authority)
    }

    /// Makes an empty database and answers its URL.
    ///
    /// # Errors
    /// The name is taken, or the server is away.
    pub fn create(&self, name: &str) -> Result<String> {
        let port = self.port.to_string();
        self.run("createdb", ["-h", "127.0.0.1", "-p", &port, "-U", "assent", name])?;
        Ok(self.url_of(name))
    }

    /// The URL of the database `assent`.
    pub fn url(&self) -> String {
        self.url_of("assent")
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The number of the process that listens.
    ///
    /// # Errors
    /// The server is not running.
    pub fn process(&self) -> Result<String> {
        let path = Path::new(&self.cluster()).join("postmaster.pid");
        let text = std::fs::read_to_string(&path).context("the server is not running")?;
        text.lines().next().map(str::to_owned).context("the server is about to start")
    }

    /// What the server has to say.
    pub fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn url_of(&self, name: &str) -> String {
        format!("postgres://assent@127.0.0.1:{}/{name}", self.port)
    }

    fn cluster(&self) -> String {
        self.directory.path().join("cluster").to_string_lossy().into_owned()
    }

    fn configure(&self, durability: Durability) -> Result<()> {
        let durable = match durability {
            Durability::Full => "on",
            Durability::None => "off",
        };
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\n\
             max_connections = 200\nfsync = {durable}\nsynchronous_commit = {durable}\n\
             full_page_writes = {durable}\n",
            self.port
        );
        let path = Path::new(&self.cluster()).join("postgresql.auto.conf");
        std::fs::write(&path, settings).with_context(|| format!("cannot write {}", path.display()))
    }

    fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: I,
    ) -> Result<()> {
        run(self.as_user(&self.programs.join(program))?.args(args))
    }

    /// A program as the user to whom the cluster belongs.
    fn as_user(&self, program: &Path) -> Result<Command> {
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        Ok(command)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nothing in it is needed any more, so how it ends does not matter.
        let _ = self.stop(Stop::Immediate);
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}

/// A process that waits for the end of this one, however that comes, and then clears up: values of
/// statics are never dropped, and tests are interrupted.
fn watch(programs: &Path, directory: &Path) -> Result<Child> {
    let privileged = if is_root()? {
        format!("setpriv --reuid {USER} --regid {USER} --clear-groups ")
    } else {
        String::new()
    };
    let script = format!(
        "cat; {privileged}{0}/pg_ctl -D {1}/cluster -m immediate stop; rm -rf {1}",
        programs.display(),
        directory.display()
    );
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", &script]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot start a watching process")
}

/// The programs of the newest installed version.
fn programs() -> Result<PathBuf> {
    let missing = "PostgreSQL is not installed; on Debian: apt-get install postgresql";
    let versions = std::fs::read_dir(VERSIONS).context(missing)?;
    let numbers = versions.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let newest: u32 = numbers.max().context(missing)?;
    Ok(Path::new(VERSIONS).join(newest.to_string()).join("bin"))
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output()?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<()> {
    // A server that is started must not hold our pipes open: its output goes nowhere.
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
