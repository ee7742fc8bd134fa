//! The behaviour that every store shows, as cases that take a store and panic when it
//! behaves otherwise, and the comparison of one store with another on random scripts.
//!
//! [`store_suite!`](crate::store_suite) makes a test of each case. A case is given a store of
//! its own, empty, and asserts on errors as much as on results: a rejected change set must
//! leave everything that can be read as it was.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "support for tests: a panic is how a case fails"
)]

mod agree;
mod credentials;
mod definitions;
mod file;
mod job;
mod log;
mod mail;
mod members;
mod parallel;
mod registry;
mod resources;
mod retry;
mod search;
mod stage;
mod staging;
mod stream;

pub use agree::{agree, random_script_verifies_clean};
pub use credentials::*;
pub use definitions::*;
pub use file::*;
pub use job::*;
pub use log::*;
pub use mail::*;
pub use members::*;
pub use parallel::*;
pub use registry::*;
pub use resources::*;
pub use retry::*;
pub use search::*;
pub use staging::*;
pub use stream::*;

/// Makes a module of tests, one for each case of the suite. The expression is evaluated in
/// an `async` function for each test, with the names of the surrounding module, and gives an
/// empty [`Store`](crate::Store):
///
/// ```ignore
/// store_suite!(memory, MemoryStore::new());
/// ```
#[macro_export]
macro_rules! store_suite {
    ($module:ident, $store:expr) => {
        mod $module {
            use super::*;

            $crate::store_suite! { @cases $store;
                // Resources.
                create_then_read
                tenants_do_see_nothing_of_each_other
                read_by_another_type_finds_nothing
                referents_of_any_type_in_the_order_asked
                an_id_is_created_once
                a_unique_value_is_held_once
                replace_is_guarded
                replace_makes_new_index_entries
                delete_is_guarded
                delete_leaves_groups
                a_deleted_group_takes_its_memberships
                a_change_set_is_whole_or_nothing
                a_touch_is_guarded
                changes_of_one_resource_make_one_version
                versions_rise_and_events_follow
                // Credentials.
                a_password_is_set_kept_replaced_and_cleared
                a_logon_makes_no_version
                attempts_at_once_are_all_counted
                a_reset_takes_credentials_back
                // Members.
                members_are_added_and_removed
                members_are_set_by_difference
                membership_as_asked_is_no_change
                members_are_checked
                groups_do_not_contain_themselves
                groups_of_a_user_are_direct_or_indirect
                members_are_read_up_to_a_limit
                members_may_expect_a_version
                displays_follow_the_resource
                members_keep_the_label_they_came_with
                // In parallel.
                parallel_members_are_all_added
                of_parallel_replaces_one_commits
                parallel_creates_of_one_name_leave_one
                // Searches.
                index_pages_cut_the_whole
                pages_after_a_place_are_stable
                walks_follow_a_sort_order
                conditions_by_every_operator
                conditions_on_elements
                conditions_on_instants_and_booleans
                conditions_on_membership
                conditions_on_text_beyond_ascii
                sorted_with_gaps_and_ties
                sorted_by_the_primary_element
                several_types_at_once
                a_search_reads_what_is_wanted
                pages_of_what_an_index_lists
                // The event log.
                changes_show_each_resource_once_in_its_newest_state
                changes_go_on_page_by_page
                events_tell_what_differs
                old_events_are_forgotten
                events_of_open_jobs_stay
                // Definitions.
                definitions_are_kept_by_partition
                change_sets_name_their_catalogue
                claims_hold_of_all_resources
                an_index_is_built_over_what_is_there
                members_are_users_and_groups
                snapshots_keep_definitions
                // Tenants, clients, the key.
                tenants_have_names_and_hosts
                settings_belong_to_a_tenant_or_the_server
                clients_belong_to_a_tenant
                clients_have_several_secrets
                certificates_belong_to_one_client
                wrong_secrets_lock_a_client
                a_secret_is_made_once
                a_store_is_ready
                // Jobs.
                jobs_are_kept_to_their_end
                a_job_is_done_part_by_part
                jobs_are_listed_from_the_newest
                files_are_kept_by_name
                a_reset_drops_files
                // Requests under a token.
                a_token_is_claimed_once
                of_parallel_claims_one_is_granted
                a_reset_forgets_tokens
                // Streams.
                streams_belong_to_a_tenant
                a_reset_takes_streams_back
                events_are_numbered_without_gaps
                // Mails, links, texts.
                mails_wait_until_they_are_settled
                mails_belong_to_a_tenant
                a_link_is_redeemed_once
                mails_about_a_credential_are_bounded
                texts_belong_to_a_tenant
                // Stages.
                a_stage_is_set_and_kept
                rehearsals_end_with_a_reset
                a_reset_takes_everything_back
                a_reset_to_nothing_leaves_nothing
                a_reset_takes_jobs_back
                a_reset_overtakes_change_sets
                snapshots_belong_to_a_tenant
                snapshots_are_bounded
                random_resets_bring_back_what_was_kept
                // Everything.
                random_script_verifies_clean
            }
        }
    };
    (@cases $store:expr; $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let store = $store;
                $crate::store::suite::$case(::std::sync::Arc::new(store)).await;
            }
        )*
    };
}
