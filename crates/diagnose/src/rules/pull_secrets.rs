//! A pull that the registry refuses: whether the pull secrets are missing, for another registry, or not accepted.

use serde_json::json;

use super::image_name::normal;
use super::images::Pull;
use super::pull_error::PullError;
use super::template::patch;
use crate::class::Class;
use crate::evidence::Lookup;
use crate::finding::{Cite, Finding, text};
use crate::near::nearest;
use crate::object::{Object, ObjectRef, text as field};

impl Pull<'_> {
    pub(super) fn secrets(&self) -> Vec<ObjectRef> {
        let named = self.container.pod.list("/spec/imagePullSecrets").iter().map(|s| field(s, "name"));
        named.filter(|n| !n.is_empty()).map(|n| ObjectRef::new("Secret", self.container.pod.namespace(), n)).collect()
    }

    /// The registry would not say, or said no: the pull secrets tell which it is.
    pub(super) fn denied(&self) -> Finding {
        let secrets = self.secrets();
        let found: Vec<&Object> = secrets.iter().filter_map(|s| self.evidence.lookup(s).found()).collect();
        if found.is_empty()
            && let Some(missing) = secrets.iter().find(|s| self.evidence.lookup(s).is_absent())
        {
            return self.secret_missing(missing);
        }
        let unread = secrets.iter().any(|s| matches!(self.evidence.lookup(s), Lookup::Unknown));
        let serving = found.iter().any(|s| serves(s, &self.image.registry) != Some(false));
        if !unread
            && !serving
            && let Some(wrong) = found.first()
        {
            return self.secret_wrong(wrong);
        }
        if self.error == PullError::DeniedOrAbsent && self.image.is_docker_hub() && secrets.is_empty() {
            let finding = self.not_found();
            return if self.image.is_official() { finding } else { finding.likely() };
        }
        self.unauthorized(&secrets)
    }

    fn secret_missing(&self, secret: &ObjectRef) -> Finding {
        let (image, registry) = (self.container.image(), &self.image.registry);
        let statement = text(
            format!("镜像 {image} 需要登录仓库 {registry}，但引用的 imagePullSecret {} 不存在", secret.path()),
            format!("image {image} needs a login to {registry}, but the pull secret {} does not exist", secret.path()),
        );
        let finding = self
            .make(Class::ImagePullSecretMissing, statement)
            .cite(Cite::field(self.container.pod, "/spec/imagePullSecrets"))
            .cite(Cite::absent(secret))
            .because(secret.clone());
        let all: Vec<&Object> = self.evidence.kind_in("Secret", &secret.namespace).collect();
        let pull = all.iter().filter(|s| is_pull_secret(s));
        let fitting = pull.clone().find(|s| serves(s, registry) == Some(true)).map(|s| s.name());
        let near = fitting.or_else(|| nearest(&secret.name, pull.map(|s| s.name())));
        if let Some(near) = near
            && let Some(command) = patch(
                self.root,
                &json!({"imagePullSecrets": [{"name": near}, {"$patch": "delete", "name": secret.name}]}),
            )
        {
            let what = text(
                format!("命名空间里有 {near}，改为引用它"),
                format!("the namespace has {near}; refer to that one"),
            );
            return finding.fix(what, command);
        }
        let what = text("创建这个 Secret（填入账号和密码）", "create the secret (put in user and password)");
        finding.fix(what, create_secret(secret, registry))
    }

    fn secret_wrong(&self, secret: &Object) -> Finding {
        let registry = &self.image.registry;
        let kind = secret.str("/type");
        let hosts = secret.annotation("midwatch.dev/registries");
        let (why_zh, why_en, pointer) = if is_pull_secret(secret) {
            (
                format!("只包含 {hosts} 的凭证"),
                format!("holds credentials for {hosts} only"),
                "/metadata/annotations/midwatch.dev~1registries",
            )
        } else {
            (
                format!("的类型是 {kind}，不是镜像仓库凭证"),
                format!("is of type {kind}, which holds no registry login"),
                "/type",
            )
        };
        let statement = text(
            format!(
                "拉取 {} 需要仓库 {registry} 的凭证，而 imagePullSecret {} {why_zh}",
                self.container.image(),
                secret.re.path()
            ),
            format!(
                "pulling {} needs a login to {registry}, but the pull secret {} {why_en}",
                self.container.image(),
                secret.re.path()
            ),
        );
        let cite = Cite {
            text: if is_pull_secret(secret) { hosts.to_owned() } else { kind.to_owned() },
            ..Cite::field(secret, pointer)
        };
        let finding = self.make(Class::ImagePullSecretWrong, statement).cite(cite);
        let others = self.evidence.kind_in("Secret", secret.namespace());
        if let Some(right) = others.filter(|s| is_pull_secret(s)).find(|s| serves(s, registry) == Some(true))
            && let Some(command) = patch(self.root, &json!({"imagePullSecrets": [{"name": right.name()}]}))
        {
            let what = text(format!("改为引用 {}", right.name()), format!("refer to {} as well", right.name()));
            return finding.fix(what, command);
        }
        let name = format!("pull-{}", registry.replace(['.', ':'], "-"));
        let new = ObjectRef::new("Secret", secret.namespace(), &name);
        let what = text(format!("为 {registry} 创建凭证"), format!("create a login for {registry}"));
        let finding = finding.fix(what, create_secret(&new, registry));
        match patch(self.root, &json!({"imagePullSecrets": [{"name": name}]})) {
            Some(command) => finding.fix(text("并在模板里引用它", "and refer to it in the template"), command),
            None => finding,
        }
    }

    fn unauthorized(&self, secrets: &[ObjectRef]) -> Finding {
        let (image, registry) = (self.container.image(), &self.image.registry);
        let names = secrets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        let (zh, en) = if secrets.is_empty() {
            ("Pod 没有配置 imagePullSecrets".to_owned(), "the pod names no pull secret".to_owned())
        } else {
            (format!("凭证 {names} 未被接受"), format!("the credentials in {names} are not accepted"))
        };
        let statement = text(
            format!("仓库 {registry} 拒绝拉取 {image}：{zh}"),
            format!("registry {registry} refuses the pull of {image}: {en}"),
        );
        let finding = self.make(Class::ImagePullUnauthorized, statement);
        let finding = if self.error == PullError::Unauthorized { finding } else { finding.likely() };
        let Some(secret) = secrets.first() else {
            let fitting = self.evidence.kind_in("Secret", self.container.pod.namespace());
            let fitting = fitting.filter(|s| is_pull_secret(s)).find(|s| serves(s, registry) == Some(true));
            let new = ObjectRef::new("Secret", self.container.pod.namespace(), "regcred");
            let name = fitting.map_or("regcred", |s| s.name());
            let finding = match fitting {
                Some(_) => finding,
                None => finding.fix(
                    text(format!("为 {registry} 创建凭证"), format!("create a login for {registry}")),
                    create_secret(&new, registry),
                ),
            };
            let what = text(format!("在模板里引用 {name}"), format!("refer to {name} in the template"));
            return match patch(self.root, &json!({"imagePullSecrets": [{"name": name}]})) {
                Some(command) => finding.fix(what, command),
                None => finding.advice(what),
            };
        };
        let command = format!("{} --dry-run=client -o yaml | kubectl apply -f -", create_secret(secret, registry));
        let what = text(
            format!("更新 {} 里的账号，或确认该账号有 {} 的拉取权限", secret.name, self.image.repository),
            format!(
                "renew the login in {}, or give its account the right to pull {}",
                secret.name, self.image.repository
            ),
        );
        finding.cite(Cite::field(self.container.pod, "/spec/imagePullSecrets")).fix(what, command)
    }
}

fn is_pull_secret(secret: &Object) -> bool {
    matches!(secret.str("/type"), "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg")
}

/// Whether a secret holds a login for this registry; None when that cannot be seen.
fn serves(secret: &Object, registry: &str) -> Option<bool> {
    if !is_pull_secret(secret) {
        return (!secret.str("/type").is_empty()).then_some(false);
    }
    let hosts = secret.annotation("midwatch.dev/registries");
    if hosts.is_empty() {
        return None;
    }
    let fits = |host: String| host == registry || host.strip_prefix("*.").is_some_and(|h| registry.ends_with(h));
    Some(hosts.split(',').map(normal).any(fits))
}

pub fn create_secret(secret: &ObjectRef, registry: &str) -> String {
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    format!(
        "kubectl create secret docker-registry {}{} --docker-server={server} --docker-username=USER --docker-password=PASSWORD",
        secret.name,
        secret.flag()
    )
}
