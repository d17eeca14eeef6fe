//! Where words may stand: outside, in the blocks, within the lines of lists.

/// Where a word may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Outside of all blocks.
    Root,
    /// `global_defs { }`.
    Global,
    /// `notification_email { }`: addresses.
    MailAddresses,
    /// `vrrp_script NAME { }`.
    Script,
    /// `vrrp_track_process NAME { }`.
    TrackProcess,
    /// `track_file NAME { }` at the outer level.
    TrackFile,
    /// `vrrp_sync_group NAME { }`.
    SyncGroup,
    /// `vrrp_instance NAME { }`.
    Instance,
    /// `authentication { }`.
    Authentication,
    /// `auth_hmac { }`.
    AuthHmac,
    /// `virtual_ipaddress { }` and its kin: addresses.
    Addresses,
    /// `virtual_routes { }`, `static_routes { }`: routes.
    Routes,
    /// `virtual_rules { }`, `static_rules { }`: rules.
    Rules,
    /// `unicast_peer { }`: addresses.
    Peers,
    /// `track_…` and `group { }` within an instance or group: names.
    Names,
    /// `bfd_instance NAME { }`.
    Bfd,
    /// `virtual_server_group NAME { }`: addresses and ports.
    ServerGroup,
    /// `virtual_server … { }`.
    VirtualServer,
    /// `real_server IP PORT { }`.
    RealServer,
    /// `TCP_CHECK { }`.
    TcpCheck,
    /// `HTTP_GET { }` and `SSL_GET { }`.
    HttpGet,
    /// `url { }`.
    Url,
    /// `MISC_CHECK { }`.
    MiscCheck,
    /// `SMTP_CHECK { }`.
    SmtpCheck,
    /// `host { }` in `SMTP_CHECK`.
    SmtpHost,
    /// `DNS_CHECK { }`.
    DnsCheck,
    /// `PING_CHECK { }`.
    PingCheck,
    /// `UDP_CHECK { }`.
    UdpCheck,
    /// `FILE_CHECK { }`.
    FileCheck,
    /// `BFD_CHECK { }`.
    BfdCheck,
    /// `SSL { }`.
    Ssl,
    /// `garp_group { }`.
    GarpGroup,
    /// `track_group NAME { }`.
    TrackGroup,
    /// `linkbeat_interfaces { }`: interfaces.
    LinkbeatInterfaces,
    /// `interface_up_down_delays { }`: interfaces with times.
    InterfaceDelays,
    /// Within a line of `virtual_ipaddress` and its kin.
    AddressOption,
    /// Within a line of `virtual_routes` or `static_routes`.
    RouteOption,
    /// Behind `nexthop` in a route.
    NextHopOption,
    /// Within a line of `virtual_rules` or `static_rules`.
    RuleOption,
    /// Within a line of `unicast_peer`.
    PeerOption,
    /// Within a line of `track_…`.
    TrackOption,
    /// Not a word but a value, or what an address implies.
    Value,
}

impl Context {
    /// Whether the block holds entries of its own rather than keywords.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::MailAddresses
                | Self::Addresses
                | Self::Routes
                | Self::Rules
                | Self::Peers
                | Self::Names
                | Self::ServerGroup
                | Self::LinkbeatInterfaces
                | Self::InterfaceDelays
        )
    }

    /// The place as it is called in a message.
    pub fn title(self) -> &'static str {
        match self {
            Self::Root => "the outer level",
            Self::Global => "`global_defs`",
            Self::MailAddresses => "`notification_email`",
            Self::Script => "`vrrp_script`",
            Self::TrackProcess => "`vrrp_track_process`",
            Self::TrackFile => "`track_file`",
            Self::SyncGroup => "`vrrp_sync_group`",
            Self::Instance => "`vrrp_instance`",
            Self::Authentication => "`authentication`",
            Self::AuthHmac => "`auth_hmac`",
            Self::Addresses => "a list of addresses",
            Self::Routes => "a list of routes",
            Self::Rules => "a list of rules",
            Self::Peers => "`unicast_peer`",
            Self::Names => "a list of names",
            Self::Bfd => "`bfd_instance`",
            Self::ServerGroup => "`virtual_server_group`",
            Self::VirtualServer => "`virtual_server`",
            Self::RealServer => "`real_server`",
            Self::TcpCheck => "`TCP_CHECK`",
            Self::HttpGet => "`HTTP_GET` or `SSL_GET`",
            Self::Url => "`url`",
            Self::MiscCheck => "`MISC_CHECK`",
            Self::SmtpCheck => "`SMTP_CHECK`",
            Self::SmtpHost => "`host` in `SMTP_CHECK`",
            Self::DnsCheck => "`DNS_CHECK`",
            Self::PingCheck => "`PING_CHECK`",
            Self::UdpCheck => "`UDP_CHECK`",
            Self::FileCheck => "`FILE_CHECK`",
            Self::BfdCheck => "`BFD_CHECK`",
            Self::Ssl => "`SSL`",
            Self::GarpGroup => "`garp_group`",
            Self::TrackGroup => "`track_group`",
            Self::LinkbeatInterfaces => "`linkbeat_interfaces`",
            Self::InterfaceDelays => "`interface_up_down_delays`",
            Self::AddressOption => "the line of an address",
            Self::RouteOption => "the line of a route",
            Self::NextHopOption => "a `nexthop` of a route",
            Self::RuleOption => "the line of a rule",
            Self::PeerOption => "the line of a peer",
            Self::TrackOption => "the line of a tracked object",
            Self::Value => "a value",
        }
    }
}
