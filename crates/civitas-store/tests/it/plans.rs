//! The statements behind filters use an index.

use civitas_store::SqliteStore;

use crate::stage::{Stage, condition};

#[tokio::test]
async fn leaves_use_an_index() {
    let stage = Stage::<SqliteStore>::new().await;
    stage.user("ann").await;
    stage.group("staff", &["ann"]).await;
    for (of, filter, index) in [
        (
            "User",
            "userName eq \"ann\"",
            "PRIMARY KEY (attribute=? AND key=?)",
        ),
        (
            "User",
            "externalId eq \"x\"",
            "PRIMARY KEY (attribute=? AND key=?)",
        ),
        (
            "User",
            "emails.value eq \"x\"",
            "PRIMARY KEY (attribute=? AND key=?)",
        ),
        (
            "User",
            "displayName sw \"x\"",
            "PRIMARY KEY (attribute=? AND key>? AND key<?)",
        ),
        (
            "User",
            "displayName co \"x\"",
            "PRIMARY KEY (attribute=? AND key>?)",
        ),
        (
            "User",
            "id eq \"ann\"",
            "resource_id (partition=? AND id=?)",
        ),
        (
            "User",
            "meta.lastModified ge \"2026-01-01T00:00:00Z\"",
            "resource_modified (kind=? AND modified>? AND modified<?)",
        ),
        (
            "Group",
            "members.value eq \"ann\"",
            "membership_member (member_rid=?)",
        ),
        (
            "User",
            "groups.value eq \"staff\"",
            "(group_rid=? AND member_rid>? AND member_rid<?)",
        ),
    ] {
        let plan = stage
            .store
            .explain(stage.partition, of, &condition(of, filter))
            .unwrap();
        let text = plan.join("\n");
        assert!(text.contains(index), "{filter}: {text}");
        assert!(
            !plan.iter().any(|line| line.starts_with("SCAN")),
            "{filter}: {text}"
        );
    }
}
