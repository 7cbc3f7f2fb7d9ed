//! Postfix as a peer: its SMTP server and its queue, in a directory of its own, without delivery.
//!
//! No queue manager runs, so a mail stays where it was made durable; the delay by which Postfix slows its
//! intake down to its delivery is off.

use std::fs::{Permissions, create_dir, set_permissions, write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A Postfix that runs; stopped when dropped.
pub struct Postfix {
    config: PathBuf,
    pub smtp: SocketAddr,
    dir: tempfile::TempDir,
}

impl Postfix {
    /// Starts one; none when Postfix is not installed or this is not root.
    pub fn start() -> Option<Postfix> {
        let root = Command::new("id").arg("-u").output().ok()?.stdout == b"0\n";
        if !root || !Path::new("/usr/sbin/smtp-source").exists() {
            println!("Postfix is not measured: it needs root and Debian's package postfix");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let [config, queue, data] = ["config", "queue", "data"].map(|name| dir.path().join(name));
        for dir in [&config, &queue, &data] {
            create_dir(dir).unwrap();
            set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
        }
        assert!(Command::new("chown").arg("postfix").arg(&data).status().unwrap().success());
        let smtp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        write(config.join("main.cf"), main_cf(&queue, &data)).unwrap();
        write(config.join("master.cf"), master_cf(smtp)).unwrap();
        control(&config, "start");
        while TcpStream::connect(smtp).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Postfix { config, smtp, dir })
    }

    /// Removes what was queued, so that directories stay small.
    pub fn empty(&self) -> usize {
        let mut gone = 0;
        for file in std::fs::read_dir(self.dir.path().join("queue").join("incoming")).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
            gone += 1;
        }
        gone
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        control(&self.config, "stop");
    }
}

fn control(config: &Path, what: &str) {
    let output = Command::new("postfix").arg("-c").arg(config).arg(what).output().unwrap();
    assert!(output.status.success(), "postfix {what}: {}", String::from_utf8_lossy(&output.stderr));
}

fn main_cf(queue: &Path, data: &Path) -> String {
    format!(
        "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\ncommand_directory = /usr/sbin\n\
         daemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\nsetgid_group = postdrop\n\
         myhostname = desk.example\nmydestination = desk.example\nlocal_recipient_maps =\nalias_maps =\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions =\n\
         smtpd_recipient_restrictions = permit_mynetworks, reject\nsmtpd_peername_lookup = no\n\
         smtpd_client_connection_count_limit = 0\ndefault_process_limit = 200\nin_flow_delay = 0\n",
        queue.display(),
        data.display()
    )
}

fn master_cf(smtp: SocketAddr) -> String {
    format!(
        "{smtp} inet n - n - 200 smtpd\ncleanup unix n - n - 0 cleanup\nrewrite unix - - n - - trivial-rewrite\n\
         proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\n"
    )
}
