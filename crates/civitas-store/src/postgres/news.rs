//! What other nodes change of tenants, clients, settings and definitions: they tell by
//! `NOTIFY`, and every node listens on a connection of its own.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::{sync::Notify, time::sleep};
use tokio_postgres::AsyncMessage;

use super::{
    connect::Connector,
    error::{Fault, Outcome},
    pool::{Connection, Step},
    registry,
};

/// Rest before a lost connection is made anew.
const REST: Duration = Duration::from_secs(1);

/// Tells the other nodes when the transaction that it is part of commits.
const TELL: &str = "SELECT pg_notify('civitas ' || current_schema(), '')";

/// The same, to be sent with other statements.
pub(super) fn tell() -> Step<'static> {
    Step::new(TELL)
}

/// Tells the other nodes of what was committed. Who does not hear it learns it a little later.
pub(super) async fn told(connection: &Connection) -> registry::Outcome<()> {
    connection.query(TELL, &[]).await?;
    Ok(())
}

const LISTEN: &str =
    "DO $$ BEGIN EXECUTE format('LISTEN %I', 'civitas ' || current_schema()); END $$";

/// Listens for as long as it is awaited.
pub(super) async fn listen(connector: Connector, told: Arc<Notify>) {
    loop {
        if let Err(fault) = follow(&connector, &told).await {
            tracing::debug!(?fault, "other nodes are not heard for now");
        }
        sleep(REST).await;
    }
}

async fn follow(connector: &Connector, told: &Notify) -> Outcome<()> {
    let (client, mut connection) = connector.open().await?;
    let listen = async {
        client.batch_execute(LISTEN).await?;
        // What was told before is not heard any more.
        told.notify_waiters();
        std::future::pending().await
    };
    let hear = async {
        loop {
            match poll_fn(|context| connection.poll(context)).await {
                Some(Ok(AsyncMessage::Notification(_))) => told.notify_waiters(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Fault::Lost("the connection was closed".into())),
            }
        }
    };
    tokio::select! {
        done = listen => done,
        done = hear => done,
    }
}
