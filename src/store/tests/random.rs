//! Random operations, many at once, against a model; now and then swept, backed up and opened again.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::power::{room, settings};
use super::script::{Model, Op, Plan};
use crate::base::Timestamp;
use crate::store::{Store, restore};

fn op() -> impl Strategy<Value = Op> {
    (any::<u8>(), any::<u16>(), any::<u16>(), any::<u32>()).prop_map(|(kind, a, b, size)| Op { kind, a, b, size })
}

/// What happens between two batches.
#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    Sweep,
    Reopen,
    Restore,
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![5 => Just(Pause::None), 3 => Just(Pause::Sweep), 2 => Just(Pause::Reopen), 1 => Just(Pause::Restore)]
}

async fn play(batches: Vec<(Vec<Op>, Pause)>) {
    let room = room();
    let mut dir = room.path().join("0");
    let mut store = Store::open(&dir, &settings()).unwrap();
    let mut model = Model::default();
    for (round, (ops, pause)) in batches.into_iter().enumerate() {
        let old = (store.read().unwrap(), model.clone());
        let plans: Vec<Plan> = ops.into_iter().map(|op| model.plan(op)).collect();
        let refused: Vec<bool> = plans.iter().map(Plan::refuses).collect();
        let results = futures_util::future::join_all(plans.into_iter().map(|plan| plan.run(&store))).await;
        for (result, refused) in results.iter().zip(refused) {
            assert_eq!(result.is_err(), refused, "{result:?}");
        }
        old.1.compare_rows(&old.0);
        drop(old);
        match pause {
            Pause::None => continue,
            Pause::Sweep => {
                store.sweep_blobs(usize::MAX).await.unwrap();
                assert_eq!(store.sweep_segments(usize::MAX).await.unwrap().damaged, 0);
            }
            Pause::Reopen => {
                drop(store);
                store = Store::open(&dir, &settings()).unwrap();
            }
            Pause::Restore => {
                let (file, next) = (room.path().join("backup"), room.path().join(format!("{}", round + 1)));
                store.backup(&file, Timestamp(0), true).unwrap();
                restore(&file, &next).unwrap();
                std::fs::remove_file(&file).unwrap();
                dir = next;
                store = Store::open(&dir, &settings()).unwrap();
            }
        }
        model.compare(&store);
    }
    model.compare(&store);
    assert_eq!(Arc::strong_count(&store), 1);
}

#[test]
fn a_store_is_what_was_done_to_it() {
    let config = ProptestConfig { failure_persistence: None, ..crate::base::soak::cases(24) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    proptest!(config, |(batches in vec((vec(op(), 1..12), pause()), 1..16))| {
        runtime.block_on(play(batches));
    });
}
