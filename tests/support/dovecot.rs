//! Dovecot, an IMAP server of others, in a directory of its own: one user, `office`, with the password `wort-und-tat`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process;

pub const USER: &str = "office";
pub const PASSWORD: &str = "wort-und-tat";

pub struct Dovecot {
    dir: TempDir,
    process: Option<Child>,
    /// TLS from the first byte.
    pub tls: SocketAddr,
    /// With STARTTLS.
    pub plain: SocketAddr,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
}

impl Dovecot {
    /// Starts one.
    pub fn start() -> Dovecot {
        let dir = tempfile::tempdir().unwrap();
        let key = rcgen::generate_simple_self_signed(vec![String::from("mail.example")]).unwrap();
        let fingerprint = data_encoding::HEXLOWER.encode(digest(&SHA256, key.cert.der()).as_ref());
        std::fs::write(dir.path().join("cert.pem"), key.cert.pem()).unwrap();
        std::fs::write(dir.path().join("key.pem"), key.signing_key.serialize_pem()).unwrap();
        let mut dovecot = Dovecot { tls: free(), plain: free(), fingerprint, dir, process: None };
        dovecot.configure();
        dovecot.up();
        dovecot
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn configure(&self) {
        let root = output(Command::new("id").arg("-u")) == "0";
        let name = if root { String::from("nobody") } else { output(Command::new("id").arg("-un")) };
        let group = output(Command::new("id").args(["-gn", &name]));
        for folder in ["mail", "run", "state"] {
            std::fs::create_dir(self.path(folder)).unwrap();
        }
        // Whoever is root lets Dovecot use the users of its package; whoever is not can use no other.
        let internal = if root {
            open_to_all(self.dir.path());
            output(Command::new("chown").arg("-R").arg(format!("{name}:{group}")).arg(self.path("mail")));
            String::new()
        } else {
            format!("default_internal_user = {name}\ndefault_login_user = {name}\ndefault_internal_group = {group}\n")
        };
        std::fs::write(self.path("users"), format!("{USER}:{{PLAIN}}{PASSWORD}::::::\n")).unwrap();
        let dir = self.dir.path().display();
        let (tls, plain) = (self.tls.port(), self.plain.port());
        let text = format!(
            "protocols = imap\nlisten = 127.0.0.1\nbase_dir = {dir}/run\nstate_dir = {dir}/state\n\
             log_path = {dir}/log\nmail_location = maildir:{dir}/mail/%u\nfirst_valid_uid = 1\n{internal}\
             ssl = required\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem\n\
             passdb {{\n driver = passwd-file\n args = {dir}/users\n}}\n\
             userdb {{\n driver = static\n args = uid={name} gid={group} home={dir}/mail/%u\n}}\n\
             namespace inbox {{\n inbox = yes\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {plain}\n }}\n\
             inet_listener imaps {{\n port = {tls}\n ssl = yes\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
        );
        std::fs::write(self.path("dovecot.conf"), text).unwrap();
    }

    /// Starts it again after [`Dovecot::down`].
    pub fn up(&mut self) {
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(self.path("dovecot.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(process::start(&mut command).expect("dovecot-imapd is installed"));
        let start = Instant::now();
        while TcpStream::connect(self.tls).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it, with all its connections.
    pub fn down(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        output(Command::new("kill").arg(process.id().to_string()));
        process.wait().unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs `doveadm` and gives what it says.
    pub fn doveadm(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("doveadm");
        output(command.arg("-c").arg(self.path("dovecot.conf")).args(arguments))
    }

    /// Puts a mail into a folder.
    pub fn save(&self, folder: &str, mail: &str) {
        let file = self.path("new-mail");
        std::fs::write(&file, mail).unwrap();
        let mut command = Command::new("doveadm");
        command.arg("-c").arg(self.path("dovecot.conf")).args(["save", "-u", USER, "-m", folder]);
        let child = process::start(command.stdin(std::fs::File::open(&file).unwrap())).unwrap();
        assert!(child.wait_with_output().unwrap().status.success(), "{}", self.log());
    }

    /// Puts many mails into the inbox, past the server.
    pub fn drop_in(&self, mails: impl Iterator<Item = String>) {
        self.doveadm(&["mailbox", "status", "-u", USER, "messages", "INBOX"]);
        for (number, mail) in mails.enumerate() {
            self.lay(&format!("{number:06}"), &mail);
        }
    }

    /// Puts a mail into the inbox, past the server and without a process.
    pub fn lay(&self, name: &str, mail: &str) {
        std::fs::write(self.path("mail").join(USER).join("new").join(name), mail).unwrap();
    }

    /// Makes a folder.
    pub fn folder(&self, name: &str) {
        self.doveadm(&["mailbox", "create", "-u", USER, name]);
    }

    /// Subjects of all mails of a folder.
    pub fn subjects(&self, folder: &str) -> Vec<String> {
        let said = self.doveadm(&["-f", "tab", "fetch", "-u", USER, "hdr.subject", "mailbox", folder, "all"]);
        said.lines().skip(1).map(str::to_owned).collect()
    }

    /// Numbers and flags of all mails of a folder.
    pub fn flags(&self, folder: &str) -> String {
        self.doveadm(&["-f", "tab", "fetch", "-u", USER, "uid flags", "mailbox", folder, "all"])
    }

    /// The mailbox as the interface takes it.
    pub fn body(&self) -> Value {
        json!({
            "host": "127.0.0.1", "port": self.tls.port(), "security": "tls", "user": USER, "secret": PASSWORD,
            "fingerprint": self.fingerprint,
        })
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.down();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn output(command: &mut Command) -> String {
    let done = process::output(command);
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
