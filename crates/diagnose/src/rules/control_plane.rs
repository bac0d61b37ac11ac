//! The control plane: its own pods, etcd, and a scheduler or controllers that no longer act.

use jiff::{SignedDuration, Timestamp};

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Source, text};
use crate::object::{Object, ObjectRef};
use crate::pattern::Pattern;
use crate::pod;

/// A leader renews its lease every few seconds.
const RENEWED_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// Controllers observe a new generation within seconds.
const OBSERVED_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// A scheduler looks at a new pod within a second or two.
const LOOKED_AT_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// Containers that wait so have not run: the rules about images and start-up say why.
const NEVER_STARTED: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "ContainerCreating",
];

pub fn control_plane(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        evidence.kind_in("Pod", "kube-system").filter_map(|p| component(evidence, p)).collect();
    findings.extend(scheduler(evidence));
    findings.extend(controller_manager(evidence));
    findings
}

/// Whether a pod is a part of the control plane itself.
pub fn is_component(pod: &Object) -> bool {
    pod.namespace() == "kube-system" && role(pod).is_some()
}

/// The component that a pod of kube-system runs.
fn role(pod: &Object) -> Option<&'static str> {
    let labels = pod.labels();
    ["kube-apiserver", "kube-scheduler", "kube-controller-manager", "etcd", "cloud-controller-manager"]
        .into_iter()
        .find(|c| {
            labels.get("component") == Some(c)
                || labels.get("k8s-app") == Some(c)
                || pod.name().starts_with(&format!("{c}-"))
        })
        .filter(|_| pod.str("/metadata/ownerReferences/0/kind") != "ReplicaSet" || labels.contains_key("component"))
}

static SPACE: Pattern = Pattern::new(r"(?i)NOSPACE|database space exceeded|mvcc: database space");
static ETCD_ILL: Pattern = Pattern::new(
    r"(?i)NOSPACE|database space exceeded|alarm:? ?CORRUPT|etcdserver: no leader|lost leader|apply request took too long|slow fdatasync|leader failed to send out heartbeat on time|no space left on device|panic: .*(?:wal|snap)|wal: crc mismatch|request cluster ID mismatch|x509: certificate has expired",
);
static CERTIFICATE: Pattern =
    Pattern::new(r"x509: certificate has expired or is not yet valid[^\n]{0,120}|certificate has expired");

fn component(evidence: &Evidence, pod: &Object) -> Option<Finding> {
    let role = role(pod)?;
    let log_line = |pattern: &Pattern| {
        evidence.logs.iter().filter(|l| l.pod == pod.re).find_map(|log| {
            let line = log.text.lines().rev().find(|line| pattern.is_match(line))?;
            let source = Source::Log { container: log.container.clone(), previous: log.previous };
            Some(Cite { object: pod.re.clone(), source, time: None, text: line.chars().take(300).collect() })
        })
    };
    if pod::containers(pod).any(|c| NEVER_STARTED.contains(&c.waiting().0)) {
        return None;
    }
    let well = pod::is_ready(pod) && pod::containers(pod).all(|c| c.waiting().0.is_empty());
    if role == "etcd" {
        let proof = log_line(if well { &SPACE } else { &ETCD_ILL });
        if well && proof.is_none() {
            return None;
        }
        return Some(etcd(evidence, pod, proof));
    }
    if well || pod::is_over(pod) {
        return None;
    }
    let name = pod.re.path();
    if let Some(proof) = log_line(&CERTIFICATE) {
        let statement = text(
            format!("{role}（{name}）因证书过期无法工作"),
            format!("{role} ({name}) does not work because a certificate has expired"),
        );
        return Some(renew(Finding::new(Class::CertificateExpired, &pod.re, statement).cite(proof)));
    }
    let state = state(pod);
    let statement = text(
        format!("控制面组件 {role}（{name}）异常：{state}"),
        format!("control plane component {role} ({name}) is unhealthy: {state}"),
    );
    let finding = Finding::new(Class::ControlPlaneComponentUnhealthy, &pod.re, statement).cites(cites(evidence, pod));
    let etcd = evidence.kind_in("Pod", "kube-system").find(|p| self::role(p) == Some("etcd"));
    let finding = match etcd {
        // the API server stands on etcd
        Some(etcd) if role == "kube-apiserver" => finding.because(etcd.re.clone()),
        _ => finding,
    };
    Some(finding.fix(
        text("看它最近的日志", "read its latest log"),
        format!(
            "kubectl -n kube-system logs {} --previous --tail=50 || kubectl -n kube-system logs {} --tail=50",
            pod.name(),
            pod.name()
        ),
    ))
}

fn state(pod: &Object) -> String {
    let container = pod::containers(pod).find(|c| !c.ready());
    let Some(container) = container else { return pod.str("/status/phase").to_owned() };
    let waiting = container.waiting().0;
    let exit = container.exit().map(|e| format!("exit {}", e.code)).unwrap_or_default();
    let restarts = format!("restarts {}", container.restarts());
    [waiting, &exit, &restarts].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ")
}

fn cites(evidence: &Evidence, pod: &Object) -> Vec<Cite> {
    let event = evidence.events(&pod.re).iter().rev().find(|e| e.warning);
    let waiting = pod::containers(pod).find(|c| !c.ready()).map(|c| c.cite_status("ready", "false"));
    let last = pod::containers(pod).filter(|c| !c.ready()).find_map(|c| {
        let log = c.last_log(evidence)?;
        let line = log.text.lines().rev().find(|l| !l.trim().is_empty())?;
        let source = Source::Log { container: log.container.clone(), previous: log.previous };
        Some(Cite { object: pod.re.clone(), source, time: None, text: line.chars().take(300).collect() })
    });
    event.map(crate::event::Event::cite).into_iter().chain(waiting).chain(last).collect()
}

fn etcd(evidence: &Evidence, pod: &Object, proof: Option<Cite>) -> Finding {
    let name = pod.re.path();
    let says = proof.as_ref().map_or_else(|| state(pod), |c| c.text.clone());
    let statement = text(format!("etcd（{name}）异常：{says}"), format!("etcd ({name}) is unhealthy: {says}"));
    let full = SPACE.is_match(&says);
    let finding = Finding::new(Class::EtcdUnhealthy, &pod.re, statement).cites(proof).cites(cites(evidence, pod));
    if !full {
        return finding.fix(
            text("看成员状态与告警", "look at the members and the alarms"),
            format!("kubectl -n kube-system exec {} -- etcdctl endpoint status --cluster -w table", pod.name()),
        );
    }
    finding.fix(
        text("压缩历史、整理碎片，再解除空间告警", "compact the history, defragment, then disarm the alarm"),
        format!(
            "kubectl -n kube-system exec {} -- sh -c 'r=$(etcdctl endpoint status -w json | grep -o \"\\\"revision\\\":[0-9]*\" | grep -o \"[0-9]*\" | head -1); etcdctl compact $r; etcdctl defrag --cluster; etcdctl alarm disarm'",
            pod.name()
        ),
    )
}

fn renew(finding: Finding) -> Finding {
    finding.fix(
        text(
            "在控制面节点上查看并续期证书（kubeadm），再重启静态 Pod",
            "on the control plane node, check and renew the certificates (kubeadm), then restart the static pods",
        ),
        "sudo kubeadm certs check-expiration && sudo kubeadm certs renew all",
    )
}

/// The leader's lease of a component, if it has not been renewed for too long.
fn old_lease<'a>(evidence: &'a Evidence, name: &str) -> Option<(&'a Object, Timestamp)> {
    let lease = evidence.find("Lease", "kube-system", name)?;
    let renewed = lease.time("/spec/renewTime")?;
    (evidence.now.duration_since(renewed) > RENEWED_WITHIN).then_some((lease, renewed))
}

fn component_pods(evidence: &Evidence, name: &str) -> Vec<ObjectRef> {
    evidence.kind_in("Pod", "kube-system").filter(|p| role(p) == Some(name)).map(|p| p.re.clone()).collect()
}

/// Pods that the default scheduler should long have looked at.
fn unseen(evidence: &Evidence) -> Vec<&Object> {
    let unseen = |p: &&Object| {
        matches!(p.str("/status/phase"), "Pending" | "")
            && p.str("/spec/nodeName").is_empty()
            && matches!(p.str("/spec/schedulerName"), "" | "default-scheduler")
            && p.list("/spec/schedulingGates").is_empty()
            && p.condition("PodScheduled").is_none()
            && evidence.event(&p.re, &["FailedScheduling", "Scheduled"]).is_none()
            && p.deleting_since().is_none()
            && p.created().is_some_and(|at| evidence.now.duration_since(at) > LOOKED_AT_WITHIN)
    };
    evidence.kind("Pod").filter(unseen).collect()
}

fn scheduler(evidence: &Evidence) -> Option<Finding> {
    let waiting = unseen(evidence);
    let lease = old_lease(evidence, "kube-scheduler");
    if waiting.is_empty() && lease.is_none() {
        return None;
    }
    let re = ObjectRef::new("Lease", "kube-system", "kube-scheduler");
    let (zh, en) = lease.map_or((String::new(), String::new()), |(_, at)| {
        (format!("，其租约自 {at} 起未续"), format!(", and its lease has not been renewed since {at}"))
    });
    let count = waiting.len();
    let statement = text(
        format!("调度器没有处理待调度的 Pod（{count} 个）{zh}"),
        format!("the scheduler does not look at pending pods ({count} of them){en}"),
    );
    let mut finding = Finding::new(Class::SchedulerNotActing, &re, statement);
    finding.because = component_pods(evidence, "kube-scheduler");
    if let Some((lease, _)) = lease {
        finding = finding.cite(Cite::field(lease, "/spec/renewTime"));
    } else if evidence.lookup(&re).is_absent() {
        finding = finding.cite(Cite::absent(&re));
    }
    finding.cites.extend(waiting.iter().take(3).map(|p| Cite::field(p, "/metadata/creationTimestamp")));
    let finding = finding.fix(
        text("看调度器是否在运行", "see whether the scheduler runs"),
        "kubectl -n kube-system get pods -l component=kube-scheduler -o wide; kubectl -n kube-system logs -l component=kube-scheduler --tail=50",
    );
    Some(if lease.is_some() { finding } else { finding.likely() })
}

/// Generations that nobody observed, and the controllers' lease.
fn controller_manager(evidence: &Evidence) -> Vec<Finding> {
    let lease = old_lease(evidence, "kube-controller-manager");
    let re = ObjectRef::new("Lease", "kube-system", "kube-controller-manager");
    let behind: Vec<&Object> = evidence.objects().filter(|o| is_behind(evidence, o)).collect();
    let mut findings: Vec<Finding> = behind.iter().map(|o| unobserved(o).because(re.clone())).collect();
    if let Some((lease, at)) = lease {
        let statement = text(
            format!("控制器管理器的租约自 {at} 起未续：控制器没有在工作"),
            format!("the controller manager's lease has not been renewed since {at}: the controllers do not act"),
        );
        let mut finding = Finding::new(Class::ControllerManagerNotActing, &re, statement)
            .cite(Cite::field(lease, "/spec/renewTime"))
            .fix(
                text("看控制器管理器是否在运行", "see whether the controller manager runs"),
                "kubectl -n kube-system get pods -l component=kube-controller-manager -o wide; kubectl -n kube-system logs -l component=kube-controller-manager --tail=50",
            );
        finding.because = component_pods(evidence, "kube-controller-manager");
        findings.push(finding);
    }
    findings
}

fn is_behind(evidence: &Evidence, object: &Object) -> bool {
    let (Some(generation), observed) =
        (object.int("/metadata/generation"), object.int("/status/observedGeneration").unwrap_or(0))
    else {
        return false;
    };
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];
    if !kinds.contains(&object.kind()) || observed >= generation {
        return false;
    }
    let restarted = object.time("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
    let changed = restarted.or_else(|| object.created());
    changed.is_some_and(|at| evidence.now.duration_since(at) > OBSERVED_WITHIN)
}

fn unobserved(object: &Object) -> Finding {
    let (generation, observed) =
        (object.int("/metadata/generation").unwrap_or(0), object.int("/status/observedGeneration").unwrap_or(0));
    let name = object.re.to_string();
    let statement = text(
        format!("{name} 已是第 {generation} 代，控制器只处理到第 {observed} 代"),
        format!("{name} is at generation {generation}, and its controller has observed {observed} only"),
    );
    Finding::new(Class::ControllerManagerNotActing, &object.re, statement)
        .cite(Cite::field(object, "/metadata/generation"))
        .cite(Cite::field(object, "/status/observedGeneration"))
        .likely()
        .fix(
            text("看控制器管理器是否在运行、有没有报错", "see whether the controller manager runs and what it logs"),
            "kubectl -n kube-system get lease kube-controller-manager; kubectl -n kube-system logs -l component=kube-controller-manager --tail=50",
        )
}
