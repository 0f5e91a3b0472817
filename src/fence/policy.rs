//! Which endpoints a command may reach: a pure function of the rules, the endpoint and what the
//! names mean at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::endpoint::{Endpoint, canonical};
use super::names;
use crate::target::{Address, Engine, Target};

/// Ports that database servers and their poolers listen on. ClickHouse (9000, 8123) shares its
/// ports with other common services and is added by its targets only.
const DATABASE_PORTS: &[u16] = &[
    1433, 1521, 3050, 3306, 3307, 4000, 4006, 5432, 5433, 5434, 5439, 6033, 6379, 6380, 6432, 6543,
    9042, 26257, 27017, 27018, 27019, 33060, 50000,
];

/// Ports of poolers: PgBouncer and Odyssey, Supabase, ProxySQL, Pgpool, MaxScale.
const POOLER_PORTS: &[u16] = &[6432, 6543, 6033, 9999, 4006];

/// How names of database server sockets begin or end.
const DATABASE_SOCKETS: &[&str] = &[
    ".s.PGSQL.",
    "mysqld.sock",
    "mysql.sock",
    "mariadb.sock",
    "mysqlx.sock",
    "redis",
    "valkey",
    "mongodb-",
];

/// The names of server processes, as the kernel shortens them to 15 bytes.
const DATABASE_PROCESSES: &[&str] = &[
    "postgres",
    "postmaster",
    "pgbouncer",
    "pgcat",
    "odyssey",
    "pgpool",
    "mysqld",
    "mariadbd",
    "proxysql",
    "maxscale",
    "redis-server",
    "valkey-server",
    "mongod",
    "mongos",
    "sqlservr",
    "clickhouse-serv",
    "cockroach",
    "cloud-sql-proxy",
    "cloud_sql_proxy",
];

/// Sockets whose owner does what it is asked, outside the fence.
const DOORS: &[&str] = &[
    "docker.sock",
    "podman.sock",
    "containerd.sock",
    "crio.sock",
    "/systemd/private",
    "/bus",
    "system_bus_socket",
];

/// Where something is, as a rule names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// Any address: the rule goes by port.
    Anywhere,
    /// One address.
    Address(IpAddr),
    /// The addresses that share this many leading bits.
    Network(IpAddr, u8),
    /// A name, meaning all addresses that it has had since the fence started.
    Name(String),
    /// A Unix socket by file name, compared by inode.
    Socket(PathBuf),
    /// A Unix socket by a name that is no file.
    Abstract(Vec<u8>),
}

/// A place on the network or the machine that a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub at: Where,
    /// At which port; `None` for any.
    pub port: Option<u16>,
    /// How the rule is called in output.
    pub label: String,
}

impl Place {
    /// A host by name or address, and a port.
    pub fn host(host: &str, port: Option<u16>, label: impl Into<String>) -> Place {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let at = match bare.parse() {
            Ok(address) => Where::Address(canonical(address)),
            Err(_) => Where::Name(bare.trim_end_matches('.').to_ascii_lowercase()),
        };
        Place {
            at,
            port,
            label: label.into(),
        }
    }

    /// A Unix socket.
    pub fn socket(path: impl Into<PathBuf>, label: impl Into<String>) -> Place {
        let path = path.into();
        let at = match path.as_os_str().as_encoded_bytes().split_first() {
            Some((b'@', name)) => Where::Abstract(name.to_vec()),
            _ => Where::Socket(path),
        };
        Place {
            at,
            port: None,
            label: label.into(),
        }
    }

    /// `host`, `host:port`, `[v6]:port`, `network/bits[:port]`, `:port` or `/path` or `@abstract`.
    pub fn parse(text: &str) -> Option<Place> {
        if text.starts_with(['/', '@']) {
            return Some(Place::socket(text, text));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port))
                if !host.contains(':') || host.ends_with(']') || host.contains('/') =>
            {
                (host, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        if host.is_empty() || host == "*" {
            return port.map(|port| Place {
                at: Where::Anywhere,
                port: Some(port),
                label: text.to_owned(),
            });
        }
        let Some((network, bits)) = host.split_once('/') else {
            return Some(Place::host(host, port, text));
        };
        let network: IpAddr = network.trim_matches(['[', ']']).parse().ok()?;
        let bits: u8 = bits.trim_end_matches(']').parse().ok()?;
        let widest = if network.is_ipv4() { 32 } else { 128 };
        (bits <= widest).then(|| Place {
            at: Where::Network(network, bits),
            port,
            label: text.to_owned(),
        })
    }

    /// The places that a client of this target may connect to.
    pub fn of_target(target: &Target) -> Vec<Place> {
        match &target.address {
            Address::Host {
                host,
                port,
                hostaddr,
            } => {
                let host = hostaddr.as_ref().unwrap_or(host).value.as_str();
                let port = port
                    .as_ref()
                    .map(|port| port.value)
                    .or(target.engine.default_port());
                let label = match port {
                    Some(port) => format!("{host}:{port}"),
                    None => host.to_owned(),
                };
                vec![Place::host(host, port, label)]
            }
            Address::Socket { path, port } => {
                sockets(&target.engine, &path.value, port.as_ref().map(|p| p.value))
            }
            Address::File { .. } | Address::Memory { .. } | Address::Identifier { .. } => {
                Vec::new()
            }
        }
    }
}

/// Socket files of a target: PostgreSQL names a directory, an empty path is the client's default.
fn sockets(engine: &Engine, path: &str, port: Option<u16>) -> Vec<Place> {
    let named = |path: &str| Place::socket(path, format!("unix:{path}"));
    if *engine == Engine::Postgres {
        let port = port.unwrap_or(5432);
        let within = |directory: &str| {
            named(&format!(
                "{}/.s.PGSQL.{port}",
                directory.trim_end_matches('/')
            ))
        };
        return match path {
            "" => ["/var/run/postgresql", "/run/postgresql", "/tmp"]
                .map(within)
                .to_vec(),
            path if path.contains(".s.PGSQL.") => vec![named(path)],
            path => vec![within(path)],
        };
    }
    match path {
        "" => [
            "/var/run/mysqld/mysqld.sock",
            "/run/mysqld/mysqld.sock",
            "/tmp/mysql.sock",
        ]
        .map(named)
        .to_vec(),
        path => vec![named(path)],
    }
}

/// What holds for a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The places of its resolved targets.
    pub targets: Vec<Place>,
    /// What the profile allows besides.
    pub extra: Vec<Place>,
    /// What the marks call production.
    pub production: Vec<Place>,
    /// Servers of which the marks call only some databases production.
    pub shared: Vec<Place>,
    /// Production marks by a pattern of names: no address shows who matches.
    pub patterns: Vec<String>,
    /// Production is out of reach for this command.
    pub refuse_production: bool,
    /// A production name without an address closes instead of being passed over: the command
    /// destroys.
    pub close_on_unresolvable: bool,
}

/// How a socket is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A connection.
    Stream,
    /// A datagram socket's association: nothing is sent by it, name look-ups make them to sort
    /// addresses.
    Probe,
    /// A single message with an address.
    Message,
    /// A Unix socket.
    Unix,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Stream => "stream",
            Kind::Probe => "probe",
            Kind::Message => "message",
            Kind::Unix => "unix",
        }
    }
}

/// How the rule begins that lets a target through; its label follows.
pub(crate) const RESOLVED_TARGET: &str = "resolved target ";

/// The network that a socket belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// tagout's own, in which the targets were resolved.
    Own,
    /// Another namespace.
    Other,
}

/// What the rules say of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Judgement {
    /// It may go on.
    pub allowed: bool,
    /// It goes to a resolved target.
    pub target: bool,
    /// The rule that decided.
    pub rule: String,
    /// No rule knew the Unix socket: its server's name decides.
    pub ask_peer: bool,
    /// A name of the rules may mean this address by now.
    pub names_may_tell: bool,
}

impl Judgement {
    fn allowed(rule: impl Into<String>) -> Judgement {
        Judgement {
            allowed: true,
            target: false,
            rule: rule.into(),
            ask_peer: false,
            names_may_tell: false,
        }
    }

    fn target(label: &str) -> Judgement {
        Judgement {
            target: true,
            ..Judgement::allowed(format!("{RESOLVED_TARGET}{label}"))
        }
    }

    fn refused(rule: impl Into<String>) -> Judgement {
        Judgement {
            allowed: false,
            ..Judgement::allowed(rule)
        }
    }
}

/// Device and inode.
pub(crate) type Identity = (u64, u64);

/// The rules and what their names mean at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    rules: Rules,
    addresses: BTreeMap<String, BTreeSet<IpAddr>>,
    ports: BTreeSet<u16>,
}

impl Policy {
    pub(crate) fn new(rules: Rules) -> Policy {
        let named = rules
            .targets
            .iter()
            .chain(&rules.production)
            .chain(&rules.shared);
        let ports = DATABASE_PORTS
            .iter()
            .copied()
            .chain(named.filter_map(|place| place.port))
            .collect();
        let mut policy = Policy {
            rules,
            addresses: BTreeMap::new(),
            ports,
        };
        for name in policy.names() {
            if let Some(addresses) = names::of_loopback(&name) {
                policy.learn(&name, addresses);
            }
        }
        policy
    }

    /// The names of the rules that have to be looked up.
    pub(crate) fn remote_names(&self) -> BTreeSet<String> {
        let mut names = self.names();
        names.retain(|name| names::of_loopback(name).is_none());
        names
    }

    /// All names that the rules use.
    fn names(&self) -> BTreeSet<String> {
        let rules = &self.rules;
        let places = rules
            .targets
            .iter()
            .chain(&rules.extra)
            .chain(&rules.production)
            .chain(&rules.shared);
        places
            .filter_map(|place| match &place.at {
                Where::Name(name) => Some(name.clone()),
                _ => None,
            })
            .collect()
    }

    /// Adds addresses of a name; what it meant before stays.
    pub(crate) fn learn(&mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let known = self.addresses.entry(name.to_owned()).or_default();
        known.extend(addresses.into_iter().map(canonical));
    }

    /// Production names that have no address: what they stand for cannot be told.
    pub(crate) fn unresolvable(&self) -> Vec<&str> {
        let places = self.rules.production.iter();
        places
            .filter_map(|place| match &place.at {
                Where::Name(name) if self.addresses.get(name).is_none_or(BTreeSet::is_empty) => {
                    Some(name.as_str())
                }
                _ => None,
            })
            .collect()
    }

    /// Whether single messages need to be looked at.
    pub(crate) fn judges_messages(&self) -> bool {
        self.rules.refuse_production && !self.rules.production.is_empty()
    }

    /// What the address fence cannot tell apart here.
    pub(crate) fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        for target in &self.rules.targets {
            limits.push(format!(
                "another database behind {} is not told apart",
                target.label
            ));
            let addresses = self.addresses_of(target);
            let is_pooler = target.port.is_some_and(|port| POOLER_PORTS.contains(&port));
            if is_pooler {
                limits.push(format!(
                    "{} is a pooler's port: the server behind it is not seen",
                    target.label
                ));
            } else if addresses.iter().any(IpAddr::is_loopback) {
                limits.push(format!(
                    "a tunnel or pooler at {} is not told from a server",
                    target.label
                ));
            }
            for address in addresses {
                let shared = self.rules.production.iter().find(|mark| {
                    mark.port.is_none_or(|port| target.port == Some(port))
                        && self.covers(mark, address)
                });
                if let Some(mark) = shared {
                    limits.push(format!(
                        "{} and the production mark {} are the same address",
                        target.label, mark.label
                    ));
                }
            }
        }
        for place in &self.rules.shared {
            limits.push(format!(
                "only some databases of {} are production: which one a connection opens is not seen",
                place.label
            ));
        }
        for mark in &self.rules.patterns {
            limits.push(format!(
                "production mark {mark} is a pattern of names: compared with resolved targets, not with addresses"
            ));
        }
        limits.dedup();
        limits
    }

    fn addresses_of(&self, place: &Place) -> Vec<IpAddr> {
        match &place.at {
            Where::Address(address) => vec![*address],
            Where::Name(name) => self
                .addresses
                .get(name)
                .into_iter()
                .flatten()
                .copied()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn covers(&self, place: &Place, address: IpAddr) -> bool {
        match &place.at {
            Where::Anywhere => true,
            Where::Address(own) => *own == address,
            Where::Network(network, bits) => within(address, *network, *bits),
            Where::Name(name) => self
                .addresses
                .get(name)
                .is_some_and(|own| own.contains(&address)),
            Where::Socket(_) | Where::Abstract(_) => false,
        }
    }

    fn find<'p>(&self, places: &'p [Place], address: IpAddr, port: u16) -> Option<&'p Place> {
        places
            .iter()
            .find(|place| place.port.is_none_or(|own| own == port) && self.covers(place, address))
    }

    /// "This machine" is another one there.
    fn find_elsewhere<'p>(
        &self,
        places: &'p [Place],
        address: IpAddr,
        port: u16,
    ) -> Option<&'p Place> {
        let place = self.find(places, address, port)?;
        (!address.is_loopback() || place.at == Where::Anywhere).then_some(place)
    }

    /// Judges an attempt by IP.
    pub(crate) fn judge_ip(&self, address: IpAddr, port: u16, kind: Kind) -> Judgement {
        self.judge_within(Network::Own, address, port, kind)
    }

    /// Judges an attempt by IP of a socket in that network.
    pub(crate) fn judge_within(
        &self,
        network: Network,
        address: IpAddr,
        port: u16,
        kind: Kind,
    ) -> Judgement {
        // Name servers inside a production network answer everybody.
        let name_service = kind != Kind::Stream && port == 53;
        if self.rules.refuse_production
            && !name_service
            && let Some(mark) = self.find(&self.rules.production, address, port)
        {
            return Judgement::refused(format!("production mark {}", mark.label));
        }
        if kind != Kind::Stream {
            return Judgement::allowed("no connection");
        }
        let allowed = |places| match network {
            Network::Own => self.find(places, address, port),
            Network::Other => self.find_elsewhere(places, address, port),
        };
        let target = allowed(&self.rules.targets);
        let database = target.is_some() || self.ports.contains(&port);
        if database
            && !address.is_loopback()
            && self.rules.close_on_unresolvable
            && let Some(name) = self.unresolvable().first()
        {
            return Judgement::refused(format!("production mark {name} has no address to compare"));
        }
        if let Some(target) = target {
            return Judgement::target(&target.label);
        }
        if let Some(extra) = allowed(&self.rules.extra) {
            return Judgement::allowed(format!("profile allows {}", extra.label));
        }
        if self.rules.refuse_production
            && let Some(mark) = self.find(&self.rules.shared, address, port)
        {
            return Judgement::refused(format!("production mark {}", mark.label));
        }
        if database {
            return Judgement {
                names_may_tell: true,
                ..Judgement::refused(match network {
                    Network::Own => format!("database port {port}, not a resolved target"),
                    Network::Other => format!("database port {port} in another network namespace"),
                })
            };
        }
        Judgement::allowed("no database port")
    }

    /// Judges an attempt on a Unix socket. `identity` is what the program's path leads to,
    /// `look` finds what the rules' paths lead to.
    pub(crate) fn judge_unix(
        &self,
        endpoint: &Endpoint,
        identity: Option<Identity>,
        look: &dyn Fn(&Path) -> Option<Identity>,
    ) -> Judgement {
        let find = |places: &[Place]| {
            let place = places.iter().find(|place| match (&place.at, endpoint) {
                (Where::Abstract(own), Endpoint::UnixAbstract(name)) => own == name,
                (Where::Socket(own), Endpoint::UnixPath(path)) => match look(own) {
                    Some(own) => Some(own) == identity,
                    None => own.as_os_str().as_encoded_bytes() == path,
                },
                _ => false,
            });
            place.map(|place| place.label.clone())
        };
        if self.rules.refuse_production
            && let Some(mark) = find(&self.rules.production)
        {
            return Judgement::refused(format!("production mark {mark}"));
        }
        if let Some(target) = find(&self.rules.targets) {
            return Judgement::target(&target);
        }
        if let Some(extra) = find(&self.rules.extra) {
            return Judgement::allowed(format!("profile allows {extra}"));
        }
        if self.rules.refuse_production
            && let Some(mark) = find(&self.rules.shared)
        {
            return Judgement::refused(format!("production mark {mark}"));
        }
        let name = socket_name(endpoint);
        if names_a_database(&name) {
            return Judgement::refused("database socket, not a resolved target");
        }
        if DOORS.iter().any(|door| name.ends_with(door)) {
            return Judgement::allowed("its owner can act outside the fence");
        }
        Judgement {
            ask_peer: true,
            ..Judgement::allowed("no database socket")
        }
    }
}

/// The verdict on a socket that no rule knew, by the name of the process that listens on it.
pub(crate) fn judge_peer(process: &str) -> Option<Judgement> {
    DATABASE_PROCESSES.contains(&process).then(|| {
        Judgement::refused(format!(
            "socket of a database server ({process}), not a resolved target"
        ))
    })
}

fn socket_name(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::UnixPath(name) | Endpoint::UnixAbstract(name) => {
            String::from_utf8_lossy(name).into_owned()
        }
        _ => String::new(),
    }
}

fn names_a_database(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    DATABASE_SOCKETS
        .iter()
        .any(|known| file.starts_with(known) || file.ends_with(known))
}

/// Whether the first `bits` bits agree.
fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(bits.into()))
                .unwrap_or(0);
            (a.to_bits() ^ n.to_bits()) & mask == 0
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(bits.into()))
                .unwrap_or(0);
            (a.to_bits() ^ n.to_bits()) & mask == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Sourced};

    fn rules() -> Rules {
        Rules {
            targets: vec![Place::host("127.0.0.1", Some(5432), "127.0.0.1:5432")],
            extra: vec![Place::parse("10.1.0.0/16:6379").unwrap()],
            production: vec![
                Place::parse("10.0.0.9").unwrap(),
                Place::parse("db.example").unwrap(),
                Place::parse("192.168.7.0/24:7000").unwrap(),
            ],
            refuse_production: true,
            ..Rules::default()
        }
    }

    fn ip(policy: &Policy, address: &str, port: u16, kind: Kind) -> String {
        let judgement = policy.judge_ip(address.parse().unwrap(), port, kind);
        let word = if judgement.allowed {
            "allowed"
        } else {
            "refused"
        };
        format!("{word}: {}", judgement.rule)
    }

    #[test]
    fn this_machine_is_another_one_in_another_network() {
        let policy = Policy::new(rules());
        let of = |network, address: &str, port| {
            let judgement =
                policy.judge_within(network, address.parse().unwrap(), port, Kind::Stream);
            judgement.allowed
        };
        assert!(of(Network::Own, "127.0.0.1", 5432));
        assert!(!of(Network::Other, "127.0.0.1", 5432));
        assert!(of(Network::Other, "10.1.2.3", 6379));
        assert!(!of(Network::Other, "10.0.0.9", 80));
        assert!(of(Network::Other, "127.0.0.1", 80));
    }

    #[test]
    fn connections_go_where_the_rules_let_them() {
        let mut policy = Policy::new(rules());
        policy.learn("db.example", ["203.0.113.7".parse().unwrap()]);
        for (address, port, expected) in [
            ("127.0.0.1", 5432, "allowed: resolved target 127.0.0.1:5432"),
            (
                "127.0.0.2",
                5432,
                "refused: database port 5432, not a resolved target",
            ),
            (
                "127.0.0.1",
                3306,
                "refused: database port 3306, not a resolved target",
            ),
            ("10.0.0.9", 443, "refused: production mark 10.0.0.9"),
            ("203.0.113.7", 443, "refused: production mark db.example"),
            (
                "192.168.7.200",
                7000,
                "refused: production mark 192.168.7.0/24:7000",
            ),
            (
                "192.168.8.200",
                7000,
                "refused: database port 7000, not a resolved target",
            ),
            ("192.168.7.200", 443, "allowed: no database port"),
            ("10.1.2.3", 6379, "allowed: profile allows 10.1.0.0/16:6379"),
            (
                "10.2.2.3",
                6379,
                "refused: database port 6379, not a resolved target",
            ),
            ("198.51.100.1", 443, "allowed: no database port"),
        ] {
            assert_eq!(
                ip(&policy, address, port, Kind::Stream),
                expected,
                "{address}:{port}"
            );
        }
    }

    #[test]
    fn datagrams_are_held_from_production_only() {
        let policy = Policy::new(rules());
        assert!(ip(&policy, "10.0.0.9", 5432, Kind::Probe).starts_with("refused"));
        assert!(ip(&policy, "10.0.0.9", 53, Kind::Probe).starts_with("allowed"));
        assert!(ip(&policy, "10.0.0.9", 53, Kind::Stream).starts_with("refused"));
        assert!(ip(&policy, "127.0.0.2", 5432, Kind::Probe).starts_with("allowed"));
        assert!(ip(&policy, "10.0.0.9", 514, Kind::Message).starts_with("refused"));
    }

    #[test]
    fn production_in_reach_is_still_held_to_the_targets() {
        let mut policy = Policy::new(Rules {
            refuse_production: false,
            ..rules()
        });
        policy.learn("db.example", ["203.0.113.7".parse().unwrap()]);
        assert!(ip(&policy, "203.0.113.7", 443, Kind::Stream).starts_with("allowed"));
        assert!(
            ip(&policy, "203.0.113.7", 5432, Kind::Stream).starts_with("refused: database port")
        );
    }

    #[test]
    fn a_server_with_other_databases_is_reached_as_target_only() {
        let shared = vec![Place::host("10.3.3.3", None, "tagout.toml:3")];
        let policy = Policy::new(Rules { shared, ..rules() });
        assert_eq!(
            ip(&policy, "10.3.3.3", 7777, Kind::Stream),
            "refused: production mark tagout.toml:3"
        );
        let mut target = rules();
        target
            .targets
            .push(Place::host("10.3.3.3", Some(5432), "10.3.3.3:5432"));
        target
            .shared
            .push(Place::host("10.3.3.3", None, "tagout.toml:3"));
        assert!(ip(&Policy::new(target), "10.3.3.3", 5432, Kind::Stream).starts_with("allowed"));
    }

    #[test]
    fn a_name_without_address_closes_for_what_destroys() {
        let mut remote = rules();
        remote
            .targets
            .push(Place::host("10.3.3.3", Some(5432), "10.3.3.3:5432"));
        let open = Policy::new(remote.clone());
        assert!(ip(&open, "10.3.3.3", 5432, Kind::Stream).starts_with("allowed"));
        let mut closed = Policy::new(Rules {
            close_on_unresolvable: true,
            ..remote
        });
        assert_eq!(
            ip(&closed, "10.3.3.3", 5432, Kind::Stream),
            "refused: production mark db.example has no address to compare"
        );
        assert!(ip(&closed, "127.0.0.1", 5432, Kind::Stream).starts_with("allowed"));
        assert!(ip(&closed, "10.3.3.3", 443, Kind::Stream).starts_with("allowed"));
        closed.learn("db.example", ["203.0.113.7".parse().unwrap()]);
        assert!(ip(&closed, "10.3.3.3", 5432, Kind::Stream).starts_with("allowed"));
    }

    #[test]
    fn unix_sockets_are_what_they_lead_to() {
        let policy = Policy::new(Rules {
            targets: vec![Place::socket("/run/dev.sock", "dev")],
            production: vec![
                Place::socket("/run/prod.sock", "prod"),
                Place::parse("@prod").unwrap(),
            ],
            refuse_production: true,
            ..Rules::default()
        });
        let look = |path: &Path| match path.to_str() {
            Some("/run/dev.sock") => Some((1, 10)),
            Some("/run/prod.sock") => Some((1, 20)),
            _ => None,
        };
        let judge = |path: &str, identity| {
            let endpoint = Endpoint::UnixPath(path.as_bytes().to_vec());
            policy.judge_unix(&endpoint, Some(identity), &look)
        };
        assert!(judge("/run/dev.sock", (1, 10)).target);
        assert!(judge("/elsewhere/link", (1, 10)).target);
        assert!(!judge("/run/dev.sock", (1, 20)).allowed);
        assert!(!judge("/innocent", (1, 20)).allowed);
        assert!(!judge("/tmp/.s.PGSQL.5432", (1, 30)).allowed);
        assert!(judge("/dev/log", (1, 40)).ask_peer);
        assert!(!judge("/run/docker.sock", (1, 50)).ask_peer);
        let prod = Endpoint::UnixAbstract(b"prod".to_vec());
        assert!(!policy.judge_unix(&prod, None, &look).allowed);
        assert!(judge_peer("postgres").is_some());
        assert!(judge_peer("dbus-daemon").is_none());
    }

    #[test]
    fn places_are_read_as_written() {
        for text in [
            "db.example",
            "db.example:5432",
            "10.0.0.0/8",
            "10.0.0.0/8:5432",
            "[::1]:5432",
            "::1",
            "fd00::/8",
            ":6543",
            "/run/x.sock",
            "@name",
        ] {
            assert_eq!(Place::parse(text).unwrap().label, text);
        }
        assert_eq!(Place::parse("[::1]:5432").unwrap().port, Some(5432));
        assert_eq!(Place::parse("fd00::/8").unwrap().port, None);
        assert_eq!(
            Place::parse("::ffff:10.0.0.9").unwrap().at,
            Place::parse("10.0.0.9").unwrap().at
        );
        for text in ["10.0.0.0/33", "x/8", "db:notaport", ""] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn targets_become_places() {
        let value = |text: &str| Sourced::new(text.to_owned(), Source::default_of("test"));
        let socket = |engine, path: &str| {
            Target::new(
                engine,
                Address::Socket {
                    path: value(path),
                    port: None,
                },
            )
        };
        let labels = |target: &Target| -> Vec<String> {
            Place::of_target(target)
                .into_iter()
                .map(|place| place.label)
                .collect()
        };
        assert_eq!(
            labels(&socket(Engine::Postgres, "/run/pg/")),
            ["unix:/run/pg/.s.PGSQL.5432"]
        );
        assert_eq!(
            labels(&socket(Engine::Mysql, "/run/my.sock")),
            ["unix:/run/my.sock"]
        );
        assert_eq!(labels(&socket(Engine::Mysql, "")).len(), 3);
        let host = Address::Host {
            host: value("db"),
            port: None,
            hostaddr: Some(value("10.0.0.1")),
        };
        assert_eq!(labels(&Target::new(Engine::Mysql, host)), ["10.0.0.1:3306"]);
    }

    #[test]
    fn what_no_address_tells_apart_is_said_where_it_applies() {
        let limits = |target: &str| {
            let policy = Policy::new(Rules {
                targets: vec![Place::parse(target).unwrap()],
                shared: vec![Place::parse("10.0.0.9").unwrap()],
                ..Rules::default()
            });
            policy.limits().join("\n")
        };
        let said = |target: &str| {
            let limits = limits(target);
            assert!(limits.contains("only some databases of 10.0.0.9 are production"));
            (
                limits.contains("is a pooler's port"),
                limits.contains("a tunnel or pooler at"),
            )
        };
        assert_eq!(said("10.0.0.1:5432"), (false, false));
        assert_eq!(said("10.0.0.1:6432"), (true, false));
        assert_eq!(said("127.0.0.1:5432"), (false, true));
        assert_eq!(said("localhost:6543"), (true, false));
    }

    #[test]
    fn one_address_for_target_and_production_is_said() {
        let mut policy = Policy::new(Rules {
            targets: vec![Place::host("dev.example", Some(5432), "dev.example:5432")],
            production: vec![Place::parse("prod.example").unwrap()],
            refuse_production: true,
            ..Rules::default()
        });
        policy.learn("dev.example", ["10.0.0.1".parse().unwrap()]);
        policy.learn("prod.example", ["10.0.0.1".parse().unwrap()]);
        assert!(
            policy
                .limits()
                .iter()
                .any(|limit| limit.contains("same address"))
        );
    }
}
