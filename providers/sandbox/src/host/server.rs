//! One SSH connection: who may log in, its channels and their requests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelWriteHalf, Disconnect, Pty, Sig};
use rustix::termios::Winsize;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::command::{self, Event, Program, Remote, Request};
use super::faults::Brittle;
use super::input::{self, InputSender};
use super::terminal::TerminalRequest;
use super::{Host, USER};

/// Where distributions keep the program that speaks SFTP on its standard streams.
const SFTP_SERVERS: &[&str] = &[
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
];

/// The state of a connection. Dropping it ends what its channels run.
pub(super) struct Connection {
    host: Arc<Host>,
    /// The value of `SSH_CONNECTION`.
    description: String,
    channels: HashMap<ChannelId, Slot>,
}

/// A channel has one process in its life; before that it collects what the process will need.
enum Slot {
    Waiting {
        channel: ChannelWriteHalf<Msg>,
        environment: Vec<(String, String)>,
        terminal: Option<TerminalRequest>,
    },
    Running {
        input: Option<InputSender>,
        events: mpsc::UnboundedSender<Event>,
    },
}

/// A client's connection, which may break on purpose.
pub(super) type Stream = Brittle<TcpStream>;

/// Speaks SSH on `stream` until either side ends it or `closed` closes.
pub(super) async fn serve(
    stream: Stream,
    config: Arc<Config>,
    connection: Connection,
    mut closed: watch::Receiver<()>,
) {
    // A client that doesn't speak SSH, or gives up, concerns nobody else.
    let Ok(session) = russh::server::run_stream(config, stream, connection).await else { return };
    let handle = session.handle();
    tokio::pin!(session);
    tokio::select! {
        _ = &mut session => return,
        _ = closed.changed() => {}
    }
    let farewell = "the sandbox is going down".to_owned();
    if handle.disconnect(Disconnect::ByApplication, farewell, String::new()).await.is_ok() {
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), session).await;
    }
}

impl Connection {
    pub(super) fn new(host: Arc<Host>, peer: SocketAddr, local: Option<SocketAddr>) -> Self {
        let local = local.map_or_else(String::new, |local| format!(" {} {}", local.ip(), local.port()));
        let description = format!("{} {}{local}", peer.ip(), peer.port());
        Self { host, description, channels: HashMap::new() }
    }

    fn is_let_in(&self, user: &str, key: &PublicKey) -> bool {
        user == USER && key.key_data() == self.host.keys.client.key_data()
    }

    fn answer(&self, user: &str, key: &PublicKey) -> Auth {
        if self.is_let_in(user, key) { Auth::Accept } else { Auth::reject() }
    }

    /// Starts the channel's process, or refuses a second one.
    fn start(&mut self, id: ChannelId, program: Program, session: &mut Session) -> Result<(), russh::Error> {
        let Some(Slot::Waiting { channel, environment, terminal }) = self.channels.remove(&id) else {
            return session.channel_failure(id);
        };
        let mut environment = environment;
        environment.push(("SSH_CONNECTION".to_owned(), self.description.clone()));
        let (input, input_receiver) = input::channel();
        let (events, event_receiver) = mpsc::unbounded_channel();
        self.channels.insert(id, Slot::Running { input: Some(input), events });
        session.channel_success(id)?;
        let request = Request { program, environment, terminal };
        let remote =
            Remote { channel, handle: session.handle(), input: input_receiver, events: event_receiver };
        let host = Arc::clone(&self.host);
        tokio::spawn(async move { command::run(&host.confinement, &host.name, request, remote).await });
        Ok(())
    }

    fn tell(&self, id: ChannelId, event: Event) {
        if let Some(Slot::Running { events, .. }) = self.channels.get(&id) {
            // It may just have ended.
            let _ = events.send(event);
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.answer(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.answer(user, key.public_key))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Input arrives by `data`, so that a full queue of one channel isn't in the way of another's.
        let (_, channel) = channel.split();
        let slot = Slot::Waiting { channel, environment: Vec::new(), terminal: None };
        if let Slot::Waiting { channel, .. } = &slot {
            self.channels.insert(channel.id(), slot);
        }
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.get_mut(&id) {
            Some(Slot::Waiting { environment, .. }) if accepts_variable(name) => {
                environment.push((name.to_owned(), value.to_owned()));
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width_pixels: u32,
        height_pixels: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(Slot::Waiting { terminal, .. }) = self.channels.get_mut(&id) else {
            return session.channel_failure(id);
        };
        let size = window_size(columns, rows, width_pixels, height_pixels);
        *terminal = Some(TerminalRequest { kind: term.to_owned(), size });
        session.channel_success(id)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, Program::LoginShell, session)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(id, Program::CommandLine(line.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match SFTP_SERVERS.iter().find(|path| name == "sftp" && Path::new(path).exists()) {
            Some(path) => self.start(id, Program::CommandLine(format!("exec {path}").into_bytes()), session),
            None => session.channel_failure(id),
        }
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(Slot::Running { input: Some(input), .. }) = self.channels.get(&id) {
            input.send(data);
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(Slot::Running { input, .. }) = self.channels.get_mut(&id) {
            *input = None;
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }

    async fn signal(
        &mut self,
        id: ChannelId,
        signal: Sig,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.tell(id, Event::Signal(signal));
        Ok(())
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        width_pixels: u32,
        height_pixels: u32,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.tell(id, Event::Resize(window_size(columns, rows, width_pixels, height_pixels)));
        Ok(())
    }
}

/// Variables that a client may set. Not more: they are in force for the tools that confine the command, too.
fn accepts_variable(name: &str) -> bool {
    let exact = ["COLORTERM", "LANG", "NO_COLOR", "TZ"];
    let prefixes = ["LC_", "MESHFORM_"];
    exact.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn window_size(columns: u32, rows: u32, width_pixels: u32, height_pixels: u32) -> Winsize {
    let short = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    Winsize {
        ws_row: short(rows),
        ws_col: short(columns),
        ws_xpixel: short(width_pixels),
        ws_ypixel: short(height_pixels),
    }
}
