//! What the file may say, what is told when it says something else, and that the example keeps up.

use super::*;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
    Config::read("desk.toml", text, environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

fn refusal(text: &str, environment: &[(&str, &str)]) -> String {
    read(text, environment).unwrap_err().to_string()
}

#[test]
fn nothing_set_is_a_working_configuration() {
    let config = read("", &[]).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.smtp.max_message_bytes, 50 << 20);
    assert_eq!(config.store.cache_bytes, 24 << 20);
    assert_eq!(config.search.writer_heap_bytes, 20 << 20);
    assert_eq!(config.http.max_upload_bytes, 25 << 20);
    assert_eq!(config.auth.argon2_memory_kib, 19456);
    assert!(config.relay.is_none() && config.http.public_url.is_none() && config.http.trusted_proxies.is_empty());
    assert!(!config.hostname.is_empty());
}

#[test]
fn the_file_is_read_and_the_environment_wins() {
    let text = "hostname = \"desk.example.com\"\n[http]\nlisten = \"0.0.0.0:80\"\nmax_connections = 5\n\
                trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\npublic_url = \"https://Desk.Example.com:443/\"\n";
    let config =
        read(text, &[("FRONTDESK_HTTP__MAX_CONNECTIONS", "6"), ("FRONTDESK_DATA_DIR", "/srv/desk"), ("PATH", "/bin")])
            .unwrap();
    assert_eq!((config.http.max_connections, config.http.listen.port()), (6, 80));
    assert_eq!(config.data_dir, Path::new("/srv/desk"));
    assert_eq!(config.hostname, "desk.example.com");
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.http.public_url.unwrap().origin(), "https://desk.example.com");
    let listed = read("", &[("FRONTDESK_HTTP__TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")]).unwrap();
    assert_eq!(listed.http.trusted_proxies.len(), 2);
    let digits = read("", &[("FRONTDESK_RELAY__HOST", "12")]).unwrap();
    assert_eq!(digits.relay.unwrap().host, "12", "a text may look like a number");
}

#[test]
fn what_is_wrong_is_told_with_file_key_value_and_what_is_allowed() {
    let table = [
        ("[http]\nlisten = \"localhost\"", "desk.toml: http.listen = \"localhost\": must be an address and a port"),
        (
            "[smtp]\nmax_connections = 0",
            "desk.toml: smtp.max_connections = 0: must be a whole number from 1 to 1000000",
        ),
        ("[smtp]\nmax_connections = \"5\"", "smtp.max_connections = \"5\": must be a whole number"),
        ("[http]\nport = 80", "desk.toml: http.port: unknown key; allowed here: listen, public_url"),
        ("colour = 1", "desk.toml: colour: unknown; allowed here: data_dir, hostname, log, [http]"),
        ("http = 1", "desk.toml: http: must be a section, [http]"),
        (
            "[http]\npublic_url = \"https://desk.example/path\"",
            "http.public_url = \"https://desk.example/path\": must be an address without",
        ),
        ("[relay]\nhost = \"a\"\ntls = \"yes\"", "relay.tls = \"yes\": must be \"required\", \"starttls\" or \"none\""),
        ("[relay]\nhost = \"a\"\nusername = \"b\"", "username and password_file must be set together"),
        ("[relay]\nusername = \"b\"", "relay.host: must be set"),
        ("[smtp]\ntls_cert = \"a.pem\"", "smtp.tls_cert: tls_cert and tls_key must be set together"),
        ("hostname = \"a_b\"", "hostname = \"a_b\": must be a host name"),
        ("log = \"frontdesk=loud\"", "log = \"frontdesk=loud\": must be a level or a filter"),
        ("x = = 1", "desk.toml: not TOML: TOML parse error at line 1"),
    ];
    for (text, expected) in table {
        let told = refusal(text, &[]);
        assert!(told.contains(expected), "{text}\nsays {told}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let told =
        refusal("[http]\nlisten = 1\nnope = 2\n", &[("FRONTDESK_SMTP__LISTEN", "x"), ("FRONTDESK_HTTP__LISTN", "y")]);
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(told.contains("FRONTDESK_SMTP__LISTEN: smtp.listen = \"x\": must be"), "{told}");
    assert!(told.contains("FRONTDESK_HTTP__LISTN: names no key"), "{told}");
}

#[test]
fn the_relay_password_comes_from_its_file_and_does_not_print() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let text =
        format!("[relay]\nhost = \"smtp.example\"\ntls = \"starttls\"\nusername = \"u\"\npassword_file = {file:?}\n");
    let config = read(&text, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let relay = config.relay.unwrap();
    assert_eq!((relay.port, relay.tls), (587, RelayTls::StartTls));
    assert_eq!(relay.credentials.unwrap().1.expose(), "hunter2");
    std::fs::remove_file(&file).unwrap();
    assert!(refusal(&text, &[]).contains("relay.password_file"));
}

#[test]
fn public_urls_have_one_form() {
    let table = [
        ("https://desk.example", Some("https://desk.example")),
        ("http://desk.example:80", Some("http://desk.example")),
        ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
        ("https://[::1]:8443", Some("https://[::1]:8443")),
        ("https://żółw.example", Some("https://xn--w-uga1v8h.example")),
        ("desk.example", None),
        ("ftp://desk.example", None),
        ("https://", None),
        ("https://user@desk.example", None),
        ("https://desk.example/a", None),
        ("https://desk.example?a", None),
        ("https://desk.example:99999", None),
    ];
    for (text, origin) in table {
        assert_eq!(PublicUrl::parse(text).map(|url| url.origin()).as_deref(), origin, "{text}");
    }
}

#[test]
fn the_example_file_is_what_the_definitions_render() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, example()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), example(), "run `make bless`");
}

#[test]
fn the_example_file_with_every_key_turned_on_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("relay-password");
    std::fs::write(&password, "p").unwrap();
    let is_key = |line: &&str| line.starts_with('#') && !line.starts_with("# ") || line.starts_with('[');
    let text: String =
        example().lines().filter(is_key).map(|line| format!("{}\n", line.trim_start_matches('#'))).collect();
    let text = text.replace("/etc/frontdesk/relay-password", &password.display().to_string());
    let config = read(&text, &[]).unwrap();
    assert_eq!(config.http.tls().unwrap().cert, Path::new("/etc/frontdesk/tls/fullchain.pem"));
    assert!(config.smtp.tls().is_some() && config.relay.is_some());
    let keys: usize = sections::ALL.iter().map(|section| section.keys.len()).sum();
    assert_eq!(text.lines().filter(|line| line.contains(" = ")).count(), keys);
}
