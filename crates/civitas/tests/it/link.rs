//! The network between a node and its database, as a test wants it to be.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use civitas_store::cluster::Cluster;

/// A way to a cluster that can be cut and slowed down.
pub(crate) struct Link {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    weather: Mutex<Weather>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy)]
struct Weather {
    is_cut: bool,
    delay: Duration,
}

impl Link {
    pub(crate) fn to(cluster: &Cluster) -> Self {
        let socket = cluster.folder().join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let own = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &socket, &own));
        Self { address, state }
    }

    /// The connection string of a cluster, by this way.
    pub(crate) fn url(&self, direct: &str) -> String {
        let (_, options) = direct.split_once('?').unwrap();
        format!(
            "postgres://postgres@{}/postgres?sslmode=disable&{options}",
            self.address
        )
    }

    /// Nothing gets through any more, and nobody is told.
    pub(crate) fn cut(&self) {
        self.state.set(|weather| weather.is_cut = true);
    }

    /// What is on its way arrives after all.
    pub(crate) fn mend(&self) {
        self.state.set(|weather| weather.is_cut = false);
    }

    /// Whatever is asked of the database takes so long to get there.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state.set(|weather| weather.delay = delay);
    }
}

impl State {
    fn set(&self, change: impl FnOnce(&mut Weather)) {
        change(&mut self.weather.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits until something gets through; how long it takes.
    fn pass(&self) -> Duration {
        let weather = self.weather.lock().unwrap();
        let weather = self.changed.wait_while(weather, |weather| weather.is_cut);
        weather.unwrap().delay
    }
}

fn accept(listener: &TcpListener, socket: &PathBuf, state: &Arc<State>) {
    for near in listener.incoming().map_while(Result::ok) {
        let Ok(far) = UnixStream::connect(socket) else {
            continue;
        };
        near.set_nodelay(true).unwrap();
        let (to, back) = (Arc::clone(state), Arc::clone(state));
        let (near_in, near_out) = (near.try_clone().unwrap(), near);
        let (far_in, far_out) = (far.try_clone().unwrap(), far);
        thread::spawn(move || {
            carry(near_in, &far_out, || thread::sleep(to.pass()));
            let _ = far_out.shutdown(std::net::Shutdown::Both);
        });
        thread::spawn(move || {
            carry(far_in, &near_out, || {
                back.pass();
            });
            let _ = near_out.shutdown(std::net::Shutdown::Both);
        });
    }
}

/// Carries bytes one way until either end is closed.
fn carry(mut from: impl Read, mut to: impl Write, wait: impl Fn()) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        wait();
        if to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}
