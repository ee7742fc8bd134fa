//! The command line as typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand};

/// An identity directory that anyone can run.
#[derive(Parser)]
#[command(name = "civitas", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(Serve),
    /// Check a configuration file without starting anything
    Check(Check),
    /// Create, list, move and set up tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Suspend and resume service; health stays up
    #[command(subcommand)]
    Maintenance(Maintenance),
    /// Create, list, change and disable API clients of a tenant
    #[command(subcommand)]
    Client(Client),
    /// Create, list, change and delete streams of events
    #[command(subcommand)]
    Stream(Stream),
    /// Set, show and take away texts and templates of a tenant
    #[command(subcommand)]
    Text(Text),
    /// Create users from a file of JSON lines (`.jsonl`) or comma-separated values (`.csv`)
    Import(Import),
    /// Write the users or groups of a tenant as JSON lines
    Export(Export),
    /// Copy all that a store holds into an empty one; goes on where it was cut off
    Copy(Copy),
    /// Check the store against itself
    Verify(Source),
    /// Order answers of a server that runs in development mode
    Rehearse(Rehearse),
    /// Show or set the clock and the identifiers of a server that runs in development mode
    Clock(Clock),
    /// Keep states of a tenant of a server that runs in development mode
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Take a tenant of a server that runs in development mode back to a kept state
    Reset(Reset),
    /// Print the last requests of a server that runs in development mode
    Ledger(Ledger),
}

#[derive(Args)]
#[command(group(ArgGroup::new("how").required(true).args(["dev", "config"])))]
pub(crate) struct Serve {
    /// Start with nothing configured: a tenant `default` and an administrator client
    #[arg(long)]
    pub(crate) dev: bool,
    /// Start with a configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to write, as JSON, the base URL and the credentials of development mode, once
    /// the server listens, beside ready.json in the data folder
    #[arg(long, value_name = "FILE", requires = "dev", conflicts_with = "config")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Speak HTTPS in development mode, with a certificate that is made for localhost and
    /// kept in the data folder
    #[arg(long, requires = "dev", conflicts_with = "config")]
    pub(crate) https: bool,
    /// File of the certificates (PEM) that may vouch for client certificates, which are asked for
    /// then
    #[arg(long, value_name = "FILE", requires = "https")]
    pub(crate) client_authorities: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the data is.
#[derive(Args, Clone)]
pub(crate) struct Place {
    /// Data folder of the embedded store [default: ./civitas-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Store to use: `sqlite:PATH` of a data folder, or `postgres://USER@HOST/DATABASE`
    #[arg(
        long,
        value_name = "URL",
        env = "CIVITAS_STORE",
        conflicts_with = "data"
    )]
    pub(crate) store: Option<String>,
}

/// Where the data is, for commands that may take it from a configuration file.
#[derive(Args, Clone)]
pub(crate) struct Source {
    /// Take the store from this configuration file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "store"])]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["answer", "list", "clear"])))]
pub(crate) struct Rehearse {
    /// What to answer: `503; retry-after=5`, `after; reset`, `cut=100`, `delay=2000`
    pub(crate) answer: Option<String>,
    /// Print the rehearsals, with the requests that each has matched
    #[arg(long)]
    pub(crate) list: bool,
    /// End all rehearsals
    #[arg(long)]
    pub(crate) clear: bool,
    /// Requests of this dialect alone: `scim` or `oauth2`
    #[arg(long)]
    pub(crate) dialect: Option<String>,
    /// Requests by this method alone
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Requests to this path alone; `*` is one segment, `**` at the end any number
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Requests of this API client alone
    #[arg(long)]
    pub(crate) client: Option<String>,
    /// Requests with this value in the body, as `POINTER=JSON`; may be repeated
    #[arg(long, value_name = "POINTER=JSON")]
    pub(crate) body: Vec<String>,
    /// The first matching request to answer, counted from 1
    #[arg(long)]
    pub(crate) from: Option<u64>,
    /// The last matching request to answer
    #[arg(long)]
    pub(crate) to: Option<u64>,
    /// Answer this part of the requests, 0 to 1
    #[arg(long)]
    pub(crate) probability: Option<f64>,
    /// Decides which they are
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) server: Running,
}

/// A tenant of a server that runs in development mode.
#[derive(Args)]
pub(crate) struct Running {
    /// Host name of the tenant, where there are several
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Data folder of the server [default: ./civitas-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed")]
pub(crate) struct Clock {
    /// Follow the system's clock again
    #[arg(long, conflicts_with_all = ["now", "advance", "freeze"])]
    pub(crate) system: bool,
    /// Set the instant, such as 2030-01-01T00:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) now: Option<String>,
    /// Move on by a time, such as `90m`, `1d` or `2h 30m`; back when negative
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) advance: Option<jiff::SignedDuration>,
    /// Stop the clock
    #[arg(long, conflicts_with = "run")]
    pub(crate) freeze: bool,
    /// Let it run on
    #[arg(long)]
    pub(crate) run: bool,
    /// Issue the identifiers that belong to this number
    #[arg(long, conflicts_with = "no_seed")]
    pub(crate) seed: Option<u64>,
    /// Issue random identifiers again
    #[arg(long)]
    pub(crate) no_seed: bool,
    #[command(flatten)]
    pub(crate) server: Running,
}

fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    // A day of a clock has 24 hours, whatever a calendar says.
    let span: jiff::Span = text.parse().map_err(|error| format!("{error}"))?;
    span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|error| error.to_string())
}

#[derive(Subcommand)]
pub(crate) enum Snapshot {
    /// Keep the present state under a name, in place of what was kept under it
    Take {
        /// 1 to 64 of A-Z a-z 0-9 - _ .
        name: String,
        #[command(flatten)]
        server: Running,
    },
    /// Print the kept states
    List {
        #[command(flatten)]
        server: Running,
    },
    /// Forget a kept state
    Drop {
        /// Its name
        name: String,
        #[command(flatten)]
        server: Running,
    },
}

#[derive(Args)]
pub(crate) struct Reset {
    /// The state to go back to; without it nothing is left
    pub(crate) snapshot: Option<String>,
    #[command(flatten)]
    pub(crate) server: Running,
}

#[derive(Args)]
#[command(group(ArgGroup::new("what").args(["count", "expect", "har", "clear"])))]
pub(crate) struct Ledger {
    /// Requests by this method alone
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Requests to this path alone
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Requests that were answered with this status alone
    #[arg(long)]
    pub(crate) status: Option<u16>,
    /// Requests after the one with this number
    #[arg(long)]
    pub(crate) after: Option<u64>,
    /// Print how many there are
    #[arg(long)]
    pub(crate) count: bool,
    /// The same, and end with 1 when it is another number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) expect: Option<u64>,
    /// Print them as HAR 1.2
    #[arg(long)]
    pub(crate) har: bool,
    /// Forget all of them
    #[arg(long)]
    pub(crate) clear: bool,
    #[command(flatten)]
    pub(crate) server: Running,
}

#[derive(Args)]
pub(crate) struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Subcommand)]
pub(crate) enum Text {
    /// List what a tenant has of its own, by kind and language
    List {
        #[command(flatten)]
        of: TextOwner,
    },
    /// Print a text
    Show {
        /// `texts`, or `template/PURPOSE/FORM` of `invitation`, `activation`, `reset` and of
        /// `text`, `html`
        kind: String,
        /// Its language, such as `de` or `de_AT`
        locale: String,
        #[command(flatten)]
        of: TextOwner,
    },
    /// Set a text from a file
    Set {
        /// As for `show`
        kind: String,
        /// As for `show`
        locale: String,
        /// Texts as `key=value`, one a line, or a template
        file: PathBuf,
        #[command(flatten)]
        of: TextOwner,
    },
    /// Take a text away: the product's is used
    Unset {
        /// As for `show`
        kind: String,
        /// As for `show`
        locale: String,
        #[command(flatten)]
        of: TextOwner,
    },
}

/// Whose texts.
#[derive(Args)]
pub(crate) struct TextOwner {
    /// Name of the tenant
    #[arg(long, default_value = "default")]
    pub(crate) tenant: String,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Subcommand)]
pub(crate) enum Tenant {
    /// Create a tenant
    Create {
        /// Short name: lower-case letters, digits and `-`
        name: String,
        /// Host name that leads to the tenant; may be repeated
        #[arg(long = "host", value_name = "NAME")]
        hosts: Vec<String>,
        #[command(flatten)]
        source: Source,
    },
    /// List the tenants
    List {
        #[command(flatten)]
        source: Source,
    },
    /// Show the settings of a tenant, or change those given
    Set {
        /// Name of the tenant
        name: String,
        /// A setting and its value; nothing after `=` sets the default
        #[arg(value_name = "KEY=VALUE")]
        changes: Vec<String>,
        #[command(flatten)]
        source: Source,
    },
    /// Send all requests of a tenant on to where it is served now
    Move {
        /// Name of the tenant
        name: String,
        /// Scheme and authority there, such as `https://id.example.com`; without it the tenant
        /// is served here again
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        #[command(flatten)]
        source: Source,
    },
}

#[derive(Subcommand)]
pub(crate) enum Maintenance {
    /// Refuse requests from now on
    On {
        /// Seconds after which clients are told to try again
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        retry_after: u32,
        #[command(flatten)]
        whose: Whose,
    },
    /// Serve again
    Off {
        #[command(flatten)]
        whose: Whose,
    },
}

/// One tenant or the whole server.
#[derive(Args)]
pub(crate) struct Whose {
    /// This tenant only [default: the whole server]
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Subcommand)]
pub(crate) enum Client {
    /// Create an API client and print its secret, which is not shown again
    Create {
        /// Client id
        id: String,
        /// Tenant of the client
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What it may do: `read`, `write` or `administer`; each includes the ones before
        /// [default: `read`; nothing of it for an application]
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        application: Application,
        #[command(flatten)]
        secret: NewSecret,
        /// Certificate (PEM) whose subject it proves itself by; it gets no secret then
        #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
        certificate: Option<PathBuf>,
        /// Public key of RSA (PEM) by which it signs its requests; it gets no secret then
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        #[command(flatten)]
        tolerated: Tolerated,
        #[command(flatten)]
        source: Source,
    },
    /// Make, list and delete secrets of a client
    #[command(subcommand)]
    Secret(ClientSecret),
    /// Bind certificates to a client by their subject, list and unbind them
    #[command(subcommand)]
    Certificate(ClientCertificate),
    /// Take secrets again of an application that wrong ones have locked
    Unlock {
        /// Client id
        id: String,
        /// Tenant of the client
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Change what is tolerated of a client
    Update {
        /// Client id
        id: String,
        /// Tenant of the client
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        tolerated: Tolerated,
        #[command(flatten)]
        source: Source,
    },
    /// List the API clients of a tenant
    List {
        /// Tenant of the clients
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Refuse a client from now on
    Disable {
        /// Client id
        id: String,
        /// Tenant of the client
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
}

/// Whether a client is an application that users log on to. Wrong secrets lock it.
#[derive(Args)]
pub(crate) struct Application {
    /// Name of the application that the client is
    #[arg(long = "application", id = "application", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where its users begin
    #[arg(long, value_name = "URL", requires = "application")]
    pub(crate) home: Option<String>,
}

/// A secret that is made.
#[derive(Args)]
pub(crate) struct NewSecret {
    /// What it is good for, of an application: some of `application`, `users`, `openid` [default:
    /// all]
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<String>,
    /// When it expires: `never`, after a time such as `1y`, or at an instant such as
    /// 2030-01-01T00:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "never")]
    pub(crate) expires: String,
}

#[derive(Subcommand)]
pub(crate) enum ClientSecret {
    /// Make a further secret and print it; it is not shown again
    Add {
        #[command(flatten)]
        secret: NewSecret,
        #[command(flatten)]
        of: ClientOf,
    },
    /// List the secrets of a client, without what they are
    List {
        #[command(flatten)]
        of: ClientOf,
    },
    /// Delete a secret
    Delete {
        #[command(flatten)]
        of: ClientOf,
        /// Id of the secret, as listed
        secret: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ClientCertificate {
    /// Take certificates of a subject as proof of the client
    Add {
        #[command(flatten)]
        of: ClientOf,
        #[command(flatten)]
        subject: Subject,
    },
    /// List the subjects of a client
    List {
        #[command(flatten)]
        of: ClientOf,
    },
    /// Take them no longer
    Delete {
        #[command(flatten)]
        of: ClientOf,
        #[command(flatten)]
        subject: Subject,
    },
}

/// Whose certificates.
#[derive(Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["subject", "certificate"])))]
pub(crate) struct Subject {
    /// The subject, such as `CN=shop,O=Acme,C=DE`
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// A certificate (PEM) with the subject
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

/// A client of a tenant.
#[derive(Args)]
pub(crate) struct ClientOf {
    /// Client id
    pub(crate) id: String,
    /// Tenant of the client
    #[arg(long, default_value = "default")]
    pub(crate) tenant: String,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Subcommand)]
pub(crate) enum Stream {
    /// Create a stream of what happens in a tenant from now on
    Create {
        /// API client that receives it
        client: String,
        /// Tenant of the stream
        #[arg(long, default_value = "default")]
        tenant: String,
        /// URL of the SCIM base, which tokens name as their issuer [default: from the
        /// public base URL of the configuration]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// Who tokens are for [default: the client's id]
        #[arg(long)]
        audience: Option<String>,
        /// What tokens tell: `notice` for names of attributes, `full` for values too
        #[arg(long, default_value = "notice")]
        payload: String,
        /// Push to this URL; without it the client polls
        #[arg(long, value_name = "URL")]
        push: Option<String>,
        /// File that holds the value of the Authorization field to push with
        #[arg(long, value_name = "FILE", requires = "push")]
        authorization: Option<PathBuf>,
        /// File of the certificates that the receiver's is checked against, as PEM [default:
        /// the public authorities]
        #[arg(long, value_name = "FILE", requires = "push")]
        authorities: Option<PathBuf>,
        #[command(flatten)]
        source: Source,
    },
    /// List the streams of a tenant
    List {
        /// Tenant of the streams
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Deliver a stream, hold it back, or end it until it is enabled again
    Set {
        /// Id of the stream
        id: String,
        /// `enabled`, `paused` or `disabled`
        status: String,
        /// Why, for whoever looks
        #[arg(long)]
        reason: Option<String>,
        /// Tenant of the stream
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Have a verification delivered on a stream
    Verify {
        /// Id of the stream
        id: String,
        /// What the receiver will know it by
        #[arg(long)]
        state: Option<String>,
        /// Tenant of the stream
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Have another key sign the tokens of a tenant: it is published at once and signs ten
    /// minutes later; the one before is published for a day more
    RotateKey {
        /// Sign with the new key at once and publish no other, because that became known
        #[arg(long)]
        now: bool,
        /// Tenant whose tokens it signs
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
    /// Delete a stream
    Delete {
        /// Id of the stream
        id: String,
        /// Tenant of the stream
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        source: Source,
    },
}

/// What is tolerated of a client.
#[derive(Args)]
pub(crate) struct Tolerated {
    /// Kind of the client: `generic`, `strict`, `entra`, `okta`, `onelogin`, `jumpcloud`,
    /// `google` or `sailpoint`
    #[arg(long, value_name = "KIND")]
    pub(crate) profile: Option<String>,
    /// Tolerance to turn on besides, such as `replace-upserts`; may be repeated
    #[arg(long, value_name = "SWITCH")]
    pub(crate) on: Vec<String>,
    /// Tolerance to turn off; may be repeated
    #[arg(long, value_name = "SWITCH")]
    pub(crate) off: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Import {
    /// File to read; its ending tells the format
    pub(crate) file: PathBuf,
    /// Tenant to import into
    #[arg(long, default_value = "default")]
    pub(crate) tenant: String,
    /// Resource type of what is imported, such as `User` or one that the tenant defined
    #[arg(long = "type", value_name = "TYPE", default_value = "User")]
    pub(crate) resource_type: String,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Args)]
pub(crate) struct Export {
    /// File to write; standard output when absent
    pub(crate) file: Option<PathBuf>,
    /// Tenant to export
    #[arg(long, default_value = "default")]
    pub(crate) tenant: String,
    /// Resource type to export: `User`, `Group` or one that the tenant defined
    #[arg(long = "type", value_name = "TYPE", default_value = "User")]
    pub(crate) resource_type: String,
    #[command(flatten)]
    pub(crate) source: Source,
}

#[derive(Args)]
pub(crate) struct Copy {
    /// Store to copy: `sqlite:PATH` of a data folder, or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "CIVITAS_COPY_FROM")]
    pub(crate) from: String,
    /// Store to copy into, which must be empty
    #[arg(long, value_name = "URL", env = "CIVITAS_COPY_TO")]
    pub(crate) to: String,
    /// Forget a copy that was cut off and begin anew
    #[arg(long)]
    pub(crate) restart: bool,
}
