//! Any stream cut anywhere decodes to the same; any broken stream decodes to something.

use std::sync::OnceLock;

use llm::pretend::{Model, Turn};
use llm::{Dialect, Finished};
use proptest::prelude::*;
use serde_json::json;

use crate::ask::{ALL, body, request, user};
use crate::samples::{decode, rows};

/// All streams there are: the samples, and one of each format.
fn streams() -> &'static [(Dialect, Vec<u8>)] {
    static STREAMS: OnceLock<Vec<(Dialect, Vec<u8>)>> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let sample = |row: &serde_json::Value| (Dialect::OpenaiChat, row["sse"].as_str().unwrap().as_bytes().to_vec());
        let mut streams: Vec<_> = rows().iter().map(sample).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for dialect in ALL {
                let turn = Turn::text("先看 <tool")
                    .reasoning("想 \"一\" 想")
                    .and_call("events_list", json!({"namespace": "未"}));
                let model = Model::start(vec![turn.clone(), turn]).await.unwrap();
                streams.push((dialect, body(&model, dialect, true).await));
                streams.push((dialect, body(&model, dialect, false).await));
            }
        });
        streams
    })
}

fn in_pieces(dialect: Dialect, bytes: &[u8], mut cuts: Vec<prop::sample::Index>) -> Finished {
    let mut at: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len() + 1)).collect();
    at.push(bytes.len());
    at.sort_unstable();
    let mut begin = 0;
    let chunks: Vec<&[u8]> = at.iter().map(|&end| &bytes[std::mem::replace(&mut begin, end)..end]).collect();
    decode(dialect, &request(vec![user("?")]), chunks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_anywhere_it_is_the_same(which in any::<prop::sample::Index>(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let (dialect, bytes) = which.get(streams());
        let whole = in_pieces(*dialect, bytes, Vec::new());
        prop_assert_eq!(in_pieces(*dialect, bytes, cuts).reply, whole.reply);
    }

    #[test]
    fn broken_streams_do_no_harm(
        which in any::<prop::sample::Index>(),
        as_another in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>(), 1..40usize), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut bytes = which.get(streams()).1.clone();
        for (at, what, byte, length) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + length).min(bytes.len());
            match what {
                0 => bytes.insert(at, byte),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.extend_from_within(at..end),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let dialect = *as_another.get(&ALL);
        let reply = in_pieces(dialect, &bytes, cuts).reply;
        prop_assert_eq!(reply.stop == llm::Stop::ToolCalls, !reply.calls.is_empty());
        let mut ids: Vec<&str> = reply.calls.iter().map(|call| call.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), reply.calls.len());
    }
}
