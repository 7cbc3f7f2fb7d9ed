//! A name server of the tests' own, on loopback: says what it is told to, over UDP and TCP.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock};

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// What is said about names.
type Zones = Arc<Mutex<HashMap<String, Said>>>;

/// What is said about one name.
#[derive(Clone, Default)]
struct Said {
    records: Vec<RData>,
    misbehaves: Option<Misbehaves>,
}

/// What a name server does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaves {
    /// It says nothing.
    Silent,
    /// It says that it cannot say.
    Fails,
    /// Each name is another name for one more.
    Endless,
    /// It says 64 KB of text.
    Huge,
    /// It says names that point at themselves.
    Bomb,
}

/// A name server.
pub struct Dns {
    pub address: SocketAddr,
    zones: Zones,
}

impl Dns {
    /// Starts one that knows no name. Its threads end with the test process.
    pub fn start() -> Dns {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            // Both have to have one port.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let zones: Zones = Arc::default();
        let known = Arc::clone(&zones);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok((length, asker)) = udp.recv_from(&mut bytes) {
                if let Some(answer) = answer(&known, &bytes[..length], 1232) {
                    let _ = udp.send_to(&answer, asker);
                }
            }
        });
        let known = Arc::clone(&zones);
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                let known = Arc::clone(&known);
                std::thread::spawn(move || talk(stream.unwrap(), &known));
            }
        });
        Dns { address, zones }
    }

    /// One that all servers of this process ask which are told of no other. It knows no name.
    pub fn of_nothing() -> SocketAddr {
        static NOTHING: OnceLock<Dns> = OnceLock::new();
        NOTHING.get_or_init(Dns::start).address
    }

    fn add(&self, name: &str, data: RData) -> &Dns {
        let name = name.trim_end_matches('.').to_lowercase();
        self.zones.lock().unwrap().entry(name).or_default().records.push(data);
        self
    }

    /// Misbehaves when asked about a name, or about one below it.
    pub fn misbehave(&self, name: &str, how: Misbehaves) -> &Dns {
        self.zones.lock().unwrap().entry(name.to_lowercase()).or_default().misbehaves = Some(how);
        self
    }

    /// An address record.
    pub fn address_of(&self, name: &str, address: &str) -> &Dns {
        match address.parse().unwrap() {
            IpAddr::V4(address) => self.add(name, RData::A(A(address))),
            IpAddr::V6(address) => self.add(name, RData::AAAA(AAAA(address))),
        }
    }

    /// A mail exchanger; "." is the null one.
    pub fn mx(&self, name: &str, preference: u16, host: &str) -> &Dns {
        self.add(name, RData::MX(MX::new(preference, full(host))))
    }

    /// A text record, cut into pieces as long as they may be.
    pub fn txt(&self, name: &str, text: &str) -> &Dns {
        let pieces = text.as_bytes().chunks(255).map(|piece| String::from_utf8_lossy(piece).into_owned());
        self.add(name, RData::TXT(TXT::new(pieces.collect())))
    }

    /// The name of an address.
    pub fn ptr(&self, address: &str, host: &str) -> &Dns {
        let name = Name::from(address.parse::<IpAddr>().unwrap());
        self.add(&name.to_ascii(), RData::PTR(PTR(full(host))))
    }

    /// Another name for a name.
    pub fn cname(&self, name: &str, to: &str) -> &Dns {
        self.add(name, RData::CNAME(CNAME(full(to))))
    }

    /// Forgets a name.
    pub fn forget(&self, name: &str) -> &Dns {
        self.zones.lock().unwrap().remove(name);
        self
    }
}

fn full(name: &str) -> Name {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    name
}

fn talk(mut stream: std::net::TcpStream, zones: &Zones) {
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut bytes).is_err() {
            return;
        }
        let Some(answer) = answer(zones, &bytes, usize::from(u16::MAX)) else { return };
        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
        if stream.write_all(&[&length[..], &answer].concat()).is_err() {
            return;
        }
    }
}

fn answer(zones: &Zones, question: &[u8], most: usize) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut said = Message::response(asked.metadata.id, asked.metadata.op_code);
    said.metadata.message_type = MessageType::Response;
    said.metadata.recursion_available = true;
    said.add_query(query.clone());
    let zones = zones.lock().unwrap();
    if let Some(how) = misbehaves(&zones, query.name()) {
        return misbehave(how, said, &query, most);
    }
    let mut name = query.name().clone();
    let mut known = false;
    for _ in 0..10 {
        let key = name.to_lowercase().to_ascii().trim_end_matches('.').to_owned();
        let Some(records) = zones.get(&key) else { break };
        known = true;
        let mut next = None;
        for data in &records.records {
            let alias = matches!(data, RData::CNAME(_));
            if data.record_type() == query.query_type() || alias {
                said.add_answer(Record::from_rdata(name.clone(), 0, data.clone()));
            }
            if let RData::CNAME(to) = data
                && query.query_type() != RecordType::CNAME
            {
                next = Some(to.0.clone());
            }
        }
        match next {
            Some(to) => name = to,
            None => break,
        }
    }
    if !known {
        said.metadata.response_code = ResponseCode::NXDomain;
    }
    let bytes = said.to_vec().unwrap();
    if bytes.len() <= most {
        return Some(bytes);
    }
    said.answers.clear();
    said.metadata.truncation = true;
    said.to_vec().ok()
}

/// How a name is misbehaved about: as it says itself, or one above it.
fn misbehaves(zones: &HashMap<String, Said>, name: &Name) -> Option<Misbehaves> {
    let key = name.to_lowercase().to_ascii().trim_end_matches('.').to_owned();
    let mut rest = Some(key.as_str());
    while let Some(name) = rest {
        if let Some(how) = zones.get(name).and_then(|said| said.misbehaves) {
            return Some(how);
        }
        rest = name.split_once('.').map(|(_, above)| above);
    }
    None
}

fn misbehave(how: Misbehaves, mut said: Message, query: &Query, most: usize) -> Option<Vec<u8>> {
    match how {
        Misbehaves::Silent => None,
        Misbehaves::Fails => {
            said.metadata.response_code = ResponseCode::ServFail;
            said.to_vec().ok()
        }
        Misbehaves::Endless => {
            let mut next = query.name().clone();
            for _ in 0..20 {
                let to = Name::from_ascii("x").unwrap().append_domain(&next).unwrap_or(next.clone());
                said.add_answer(Record::from_rdata(next, 0, RData::CNAME(CNAME(to.clone()))));
                next = to;
            }
            said.to_vec().ok()
        }
        Misbehaves::Huge => {
            if most < usize::from(u16::MAX) {
                said.metadata.truncation = true;
                return said.to_vec().ok();
            }
            let text = TXT::new(vec!["v=spf1 ".repeat(36); 250]);
            said.add_answer(Record::from_rdata(query.name().clone(), 0, RData::TXT(text)));
            said.to_vec().ok()
        }
        Misbehaves::Bomb => {
            let mut bytes = said.to_vec().ok()?;
            // Two hundred records whose names and targets point at each other.
            bytes[7] = 200;
            for _ in 0..200 {
                let here = u16::try_from(bytes.len()).unwrap();
                bytes.extend((0xc000 | here).to_be_bytes());
                bytes.extend([0, 5, 0, 1, 0, 0, 0, 0, 0, 2]);
                bytes.extend((0xc000 | here).to_be_bytes());
            }
            Some(bytes)
        }
    }
}
