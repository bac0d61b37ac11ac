//! Images that cannot be pulled, and why.

use serde_json::json;

use super::image_name::ImageName;
use super::pull_error::{PullError, parse};
use super::pull_secrets::create_secret;
use super::template::{patch, patch_container, set_image};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Text, text};
use crate::object::{Object, ObjectRef, text as field};
use crate::pod::{self, Container};

const WAITING: [&str; 7] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

pub fn images(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pod in evidence.kind("Pod").filter(|p| !pod::is_over(p) && p.deleting_since().is_none()) {
        for container in pod::containers(pod).filter(|c| WAITING.contains(&c.waiting().0)) {
            findings.push(backoff(&container));
            findings.extend(Pull::new(evidence, container).and_then(|pull| pull.finding()));
        }
    }
    findings
}

fn backoff(container: &Container<'_>) -> Finding {
    let (reason, message) = container.waiting();
    let image = container.image();
    let statement =
        text(format!("镜像 {image} 拉取失败（{reason}）"), format!("image {image} cannot be pulled ({reason})"));
    let shown = if message.is_empty() { reason } else { message };
    Finding::new(Class::ImagePullBackoff, &container.pod.re, statement)
        .cite(container.cite_status("state.waiting", shown))
}

/// One container whose image does not come.
pub(super) struct Pull<'a> {
    pub evidence: &'a Evidence,
    pub container: Container<'a>,
    pub root: &'a Object,
    pub image: ImageName,
    pub error: PullError,
    proof: Option<Cite>,
}

impl<'a> Pull<'a> {
    fn new(evidence: &'a Evidence, container: Container<'a>) -> Option<Self> {
        let image = ImageName::parse(container.image());
        let (error, proof) = said(evidence, &container, &image);
        let root = evidence.root(container.pod);
        Some(Self { evidence, container, root, image, error: error?, proof })
    }

    fn finding(&self) -> Option<Finding> {
        match self.error {
            PullError::InvalidName => Some(self.invalid_name()),
            PullError::PolicyNever => Some(self.policy_never()),
            PullError::RateLimited => Some(self.rate_limited()),
            PullError::Tls => Some(self.tls()),
            PullError::Architecture => Some(self.architecture()),
            PullError::NoRepository => Some(self.not_found()),
            PullError::NoManifest => Some(self.tag_not_found()),
            PullError::NotFound if self.image.tag.is_some() || self.image.digest.is_some() => {
                Some(self.tag_not_found())
            }
            PullError::NotFound => Some(self.not_found()),
            PullError::DeniedOrAbsent | PullError::Unauthorized => Some(self.denied()),
            PullError::Unreachable => Some(self.unreachable()),
            PullError::DiskFull | PullError::Other => self.other(),
        }
    }

    pub(super) fn make(&self, class: Class, statement: Text) -> Finding {
        Finding::new(class, &self.root.re, statement)
            .seen_on(&self.container.pod.re)
            .cites(self.proof.clone())
            .cite(self.container.cite_spec("image", self.container.image()))
    }

    /// A fix that names another image, where the template may be changed.
    fn with_image(&self, finding: Finding, what: Text, image: &str) -> Finding {
        match set_image(self.root, &self.container, image) {
            Some(command) => finding.fix(what, command),
            None => finding.advice(text(
                format!("{}；{} 的模板不可修改，需重建", what.zh, self.root.re),
                format!("{}; the template of {} cannot be changed, so make it anew", what.en, self.root.re),
            )),
        }
    }

    pub(super) fn not_found(&self) -> Finding {
        let (image, registry) = (self.container.image(), &self.image.registry);
        let statement = text(
            format!("镜像 {image} 在仓库 {registry} 中不存在"),
            format!("image {image} does not exist in registry {registry}"),
        );
        let finding = self.make(Class::ImageNotFound, statement);
        let what = text(
            "改成一个存在的镜像（把 IMAGE:TAG 换成正确的名字）",
            "name an image that exists (put its name for IMAGE:TAG)",
        );
        self.with_image(finding, what, &self.suggestion(None))
    }

    fn tag_not_found(&self) -> Finding {
        let name = self.image.short();
        let tag = self.image.digest.as_deref().or(self.image.tag.as_deref()).unwrap_or("latest");
        let statement = text(format!("镜像 {name} 没有标签 {tag}"), format!("image {name} has no tag {tag}"));
        let finding = self.make(Class::ImageTagNotFound, statement);
        if let Some(before) = self.image_before() {
            let what = text(format!("先退回上一版镜像 {before}"), format!("go back to the image before, {before}"));
            return self.with_image(finding, what, &before);
        }
        let what = text("改成一个存在的标签（替换 TAG）", "use a tag that exists (put it for TAG)");
        self.with_image(finding, what, &self.suggestion(Some("TAG")))
    }

    /// The image of the replica set that still has ready pods, else a placeholder to fill in.
    fn suggestion(&self, tag: Option<&str>) -> String {
        if let Some(before) = self.image_before() {
            return before;
        }
        match tag {
            Some(tag) => format!("{}:{tag}", self.image.short()),
            None => "IMAGE:TAG".to_owned(),
        }
    }

    /// What the same container ran in the newest other revision of the same deployment.
    fn image_before(&self) -> Option<String> {
        let sets = self.evidence.owned(self.root).filter(|o| o.kind() == "ReplicaSet");
        let mut revisions: Vec<(i64, &str)> = sets
            .filter_map(|set| {
                let revision = set.annotation("deployment.kubernetes.io/revision").parse().ok()?;
                let own = set
                    .list("/spec/template/spec/containers")
                    .iter()
                    .find(|c| field(c, "name") == self.container.name)?;
                Some((revision, field(own, "image")))
            })
            .filter(|(_, image)| *image != self.container.image() && !image.is_empty())
            .collect();
        revisions.sort_unstable();
        revisions.last().map(|(_, image)| (*image).to_owned())
    }

    fn rate_limited(&self) -> Finding {
        let registry = &self.image.registry;
        let statement = text(
            format!("仓库 {registry} 限制了拉取频率，{} 暂时拉不下来", self.container.image()),
            format!("registry {registry} limits the rate of pulls, so {} does not come", self.container.image()),
        );
        let namespace = self.container.pod.namespace();
        let secret = ObjectRef::new("Secret", namespace, "regcred");
        let finding = self.make(Class::ImagePullRateLimited, statement);
        let finding = if self.secrets().is_empty() {
            let what = text(
                "用账号登录以提高限额，并在模板里引用它",
                "log in with an account, which raises the limit, and refer to it",
            );
            let finding = finding.fix(what, create_secret(&secret, registry));
            match patch(self.root, &json!({"imagePullSecrets": [{"name": "regcred"}]})) {
                Some(command) => finding.fix(text("引用该凭证", "refer to the login"), command),
                None => finding,
            }
        } else {
            finding
        };
        finding.advice(text("改用镜像缓存或自建仓库的镜像", "or pull through a mirror or your own registry"))
    }

    fn architecture(&self) -> Finding {
        let node = self.evidence.find("Node", "", self.container.pod.str("/spec/nodeName"));
        let arch = node.map(|n| n.str("/status/nodeInfo/architecture")).filter(|a| !a.is_empty());
        let shown = arch.unwrap_or("?");
        let name = self.container.pod.str("/spec/nodeName");
        let statement = text(
            format!("镜像 {} 没有节点 {name} 的架构（{shown}）", self.container.image()),
            format!("image {} is not built for node {name} ({shown})", self.container.image()),
        );
        let finding = self.make(Class::ImageArchitectureMismatch, statement);
        let finding = match (node, arch) {
            (Some(node), Some(_)) => finding.cite(Cite::field(node, "/status/nodeInfo/architecture")),
            _ => finding,
        };
        let other = self.evidence.kind("Node").map(|n| n.str("/status/nodeInfo/architecture"));
        let other = other.filter(|a| !a.is_empty() && Some(*a) != arch).min();
        let finding = match other.and_then(|a| patch(self.root, &json!({"nodeSelector": {"kubernetes.io/arch": a}}))) {
            Some(command) => {
                finding.fix(text("调度到镜像支持的架构的节点", "run it on nodes that the image is built for"), command)
            }
            None => finding,
        };
        finding.advice(text(
            format!("或为 {shown} 重新构建镜像：docker buildx build --platform linux/{shown}"),
            format!("or build the image for {shown}: docker buildx build --platform linux/{shown}"),
        ))
    }

    fn unreachable(&self) -> Finding {
        let registry = &self.image.registry;
        let node = self.container.pod.str("/spec/nodeName");
        let statement = text(
            format!("节点 {node} 连不上镜像仓库 {registry}"),
            format!("node {node} cannot reach the registry {registry}"),
        );
        self.make(Class::RegistryUnreachable, statement)
            .because(ObjectRef::new("Node", "", node))
            .fix(
                text("在节点上验证网络与 DNS", "check network and DNS on the node"),
                format!("kubectl debug node/{node} -it --image=busybox -- wget -S -O- https://{registry}/v2/"),
            )
            .advice(text(
                "检查节点的 DNS、代理、防火墙和仓库本身；或改用可达的镜像站",
                "check the node's DNS, proxy and firewall and the registry itself, or use a mirror that it can reach",
            ))
    }

    fn tls(&self) -> Finding {
        let registry = &self.image.registry;
        let proof = self.proof.as_ref().map_or("", |c| c.text.as_str());
        let (zh, en) = if proof.contains("server gave HTTP response to HTTPS client") {
            ("仓库只提供 HTTP，而节点用 HTTPS 访问", "it speaks plain HTTP where the node speaks HTTPS")
        } else if proof.contains("has expired") {
            ("证书已过期", "its certificate has expired")
        } else {
            ("证书不被节点信任", "the node does not trust its certificate")
        };
        let statement = text(
            format!("与镜像仓库 {registry} 的 TLS 失败：{zh}"),
            format!("TLS with the registry {registry} fails: {en}"),
        );
        self.make(Class::RegistryTlsError, statement).advice(text(
            format!("在每个节点的 /etc/containerd/certs.d/{registry}/hosts.toml 中配置仓库的 CA（或更新仓库证书）"),
            format!("give every node the registry's CA in /etc/containerd/certs.d/{registry}/hosts.toml, or renew the registry's certificate"),
        ))
    }

    fn invalid_name(&self) -> Finding {
        let image = self.container.image();
        let statement = text(format!("镜像名 {image} 不合法"), format!("{image} is no valid image name"));
        let finding = self.make(Class::ImageNameInvalid, statement);
        let lower = image.to_lowercase().replace(' ', "");
        let what = text("改成合法的镜像名", "use a valid name");
        let name = if lower == image { "IMAGE:TAG" } else { lower.as_str() };
        self.with_image(finding, what, name)
    }

    fn policy_never(&self) -> Finding {
        let (image, node) = (self.container.image(), self.container.pod.str("/spec/nodeName"));
        let statement = text(
            format!("imagePullPolicy 为 Never，而节点 {node} 上没有镜像 {image}"),
            format!("the pull policy is Never and node {node} does not hold the image {image}"),
        );
        let finding = self
            .make(Class::ImagePullPolicyNever, statement)
            .cite(self.container.cite_spec("imagePullPolicy", field(self.container.spec, "imagePullPolicy")));
        let what = text("允许拉取", "allow the pull");
        match patch_container(self.root, &self.container, &json!({"imagePullPolicy": "IfNotPresent"})) {
            Some(command) => finding.fix(what, command),
            None => finding.advice(what),
        }
    }

    /// Only where a text gives a reason that has no class of its own.
    fn other(&self) -> Option<Finding> {
        let proof = self.proof.as_ref()?;
        let image = self.container.image();
        let said: String = proof.text.chars().take(300).collect();
        let statement =
            text(format!("镜像 {image} 拉取失败：{said}"), format!("image {image} cannot be pulled: {said}"));
        let finding = self.make(Class::ImagePullFailed, statement);
        if self.error == PullError::DiskFull {
            let node = self.container.pod.str("/spec/nodeName");
            return Some(finding.because(ObjectRef::new("Node", "", node)).fix(
                text(
                    format!("查看节点 {node} 的磁盘，清理未用镜像"),
                    format!("look at the disk of node {node} and remove unused images"),
                ),
                format!("kubectl debug node/{node} -it --image=busybox -- df -h"),
            ));
        }
        Some(finding.advice(text(
            "按仓库返回的信息处理后，镜像会自动重试拉取",
            "mend what the registry says; the pull is tried again by itself",
        )))
    }
}

/// What was said about the failed pull. All events count: the newest often says no more than "back-off".
fn said(evidence: &Evidence, container: &Container<'_>, image: &ImageName) -> (Option<PullError>, Option<Cite>) {
    let (reason, message) = container.waiting();
    let mut texts: Vec<Cite> = Vec::new();
    if !message.is_empty() && !is_bare(message) {
        texts.push(container.cite_status("state.waiting.message", message));
    }
    let about = |e: &&crate::event::Event| match e.container() {
        Some(name) => name == container.name,
        None => e.message.contains(container.image()),
    };
    let events = evidence.events(&container.pod.re).iter().rev().filter(|e| e.warning || e.reason == "Failed");
    texts.extend(events.filter(about).filter(|e| !is_bare(&e.message) && is_pull(&e.reason)).map(|e| e.cite()));
    let read: Vec<(PullError, Cite)> = texts.into_iter().map(|cite| (parse(&cite.text, image), cite)).collect();
    let best = read.iter().find(|(error, _)| *error != PullError::Other).or_else(|| read.first());
    let from_reason = match reason {
        "ErrImageNeverPull" => Some(PullError::PolicyNever),
        "InvalidImageName" => Some(PullError::InvalidName),
        _ => None,
    };
    match best {
        Some((error, cite)) => (from_reason.or(Some(*error)), Some(cite.clone())),
        None => (from_reason, None),
    }
}

/// Words that only repeat that it failed.
fn is_bare(message: &str) -> bool {
    let message = message.trim();
    message.starts_with("Error: ") && !message.contains(' ') // `Error: ErrImagePull`
        || matches!(message, "Error: ErrImagePull" | "Error: ImagePullBackOff" | "Error: InvalidImageName" | "ErrImagePull" | "ImagePullBackOff")
        || message.starts_with("Back-off pulling image") && !message.contains("ErrImagePull:")
}

fn is_pull(reason: &str) -> bool {
    matches!(
        reason,
        "Failed"
            | "FailedToPullImage"
            | "ErrImageNeverPull"
            | "InspectFailed"
            | "BackOff"
            | "ErrImagePull"
            | "ImagePullBackOff"
    )
}
