//! The logs that can say why: of the target's containers, and of containers that crashed or are not ready.

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt};
use std::collections::BTreeMap;

use super::reader::Reader;
use super::{Options, trouble};
use crate::evidence::{Evidence, Log, Target};
use crate::object::{Object, ObjectRef};
use crate::pod::{self, Container};

/// Two pods of one controller tell the same story; more would use up the budget.
const PODS_OF_ONE: usize = 2;

pub async fn read(reader: &Reader<'_>, evidence: &Evidence, options: &Options) -> Vec<Log> {
    let asked = asked(evidence);
    let mut wanted: Vec<(Container<'_>, bool)> = Vec::new();
    for pod in asked.iter().copied().chain(troubled(evidence, &asked)) {
        let whole = asked.iter().any(|a| a.re == pod.re);
        for container in pod::containers(pod).filter(|c| says_why(c, whole)) {
            if container.restarts() > 0 {
                wanted.push((container, true));
            }
            wanted.push((container, false));
        }
    }
    wanted.truncate(options.logs * 2);
    // a list of boxed futures: the compiler cannot follow `Send` through a mapped stream of borrowed items
    let mut reads: Vec<BoxFuture<'_, Option<Log>>> = Vec::new();
    for (container, previous) in wanted {
        let (lines, bytes) = (options.log_lines, options.log_bytes);
        reads.push(
            async move {
                let text = reader.log(container.pod, container.name, previous, lines, bytes).await?;
                Some(Log { pod: container.pod.re.clone(), container: container.name.to_owned(), previous, text })
            }
            .boxed(),
        );
    }
    stream::iter(reads).buffered(12).filter_map(std::future::ready).collect().await
}

/// The pods that the target is about: their logs are read even if all seems well.
fn asked(evidence: &Evidence) -> Vec<&Object> {
    let target = match &evidence.target {
        Target::Object(target) => target,
        // etcd keeps serving reads while its alarms stop every write: only its log says so
        Target::Cluster => {
            let etcd = |pod: &&Object| pod.labels().get("component") == Some(&"etcd");
            return evidence.kind_in("Pod", "kube-system").filter(etcd).take(PODS_OF_ONE).collect();
        }
        Target::Namespace(_) => return Vec::new(),
    };
    let Some(object) = evidence.get(target) else { return Vec::new() };
    let mut pods = evidence.pods_of(object);
    pods.sort_by_key(|pod| !trouble::pod_in_trouble(pod, evidence.now));
    pods.truncate(PODS_OF_ONE);
    pods
}

/// Pods in trouble, at most a few of one controller.
fn troubled<'e>(evidence: &'e Evidence, but: &[&'e Object]) -> Vec<&'e Object> {
    let mut chosen: Vec<&Object> = Vec::new();
    let mut of_one: BTreeMap<&ObjectRef, usize> = BTreeMap::new();
    for pod in evidence.kind("Pod").filter(|p| trouble::pod_in_trouble(p, evidence.now)) {
        let count = of_one.entry(&evidence.root(pod).re).or_default();
        if *count < PODS_OF_ONE && !but.iter().any(|c| c.re == pod.re) {
            *count += 1;
            chosen.push(pod);
        }
    }
    chosen
}

/// A container that ran: one that never started has no log.
fn says_why(container: &Container<'_>, asked: bool) -> bool {
    let ran = container.running() || container.exit().is_some();
    ran && (asked || !container.ready() || container.restarts() > 0)
}
