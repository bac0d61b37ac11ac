//! A finding from what a program said before it ended.

use serde_json::json;

use super::down::Down;
use super::logs::{Reason, Said, path, variable};
use super::template::patch;
use crate::class::Class;
use crate::finding::{Cite, Finding, Text, text};
use crate::object::{Object, text as field};
use crate::pattern::Pattern;

pub fn finding(down: &Down<'_>, said: &Said<'_>) -> Finding {
    let name = down.container.name;
    match said.reason {
        Reason::Environment => environment(down, said),
        Reason::ConfigFile => {
            let file = path(said.line).unwrap_or_default();
            let finding = make(down, said, Class::ConfigFileInvalid, &format!("容器 {name} 的配置文件 {file} 有错"), &format!("the configuration file {file} of container {name} is wrong"));
            config_source(down, finding, file)
        }
        Reason::PortInUse => make(down, said, Class::PortInUse, &format!("容器 {name} 要监听的端口已被占用"), &format!("the port that container {name} listens on is taken"))
            .advice(text(
                "改用空闲端口，或停掉占用它的进程（同一 Pod 的另一个容器，或 hostNetwork 下节点上的程序）",
                "use a free port, or stop what holds it (another container of the pod, or a program on the node under hostNetwork)",
            )),
        Reason::ReadOnly => read_only(down, said),
        Reason::DiskFull => disk_full(down, said),
        Reason::PermissionDenied => permission(down, said),
        Reason::CommandNotFound => make(down, said, Class::CommandNotFound, &format!("容器 {name} 调用了镜像里没有的命令"), &format!("container {name} calls a command that the image does not have"))
            .advice(text("把命令装进镜像，或改正 command/脚本里的名字", "put the command into the image, or mend its name in the script or command")),
        Reason::NotExecutable => make(down, said, Class::CommandNotExecutable, &format!("容器 {name} 要执行的文件没有执行权限"), &format!("the file that container {name} runs may not be executed"))
            .advice(text("在镜像里给它执行权限（chmod +x）", "give it the right in the image (chmod +x)")),
        Reason::Architecture => architecture(down, said),
        Reason::Panic => make(down, said, Class::ApplicationPanic, &format!("容器 {name} 的程序崩溃"), &format!("the program in container {name} crashed"))
            .advice(rollback(down)),
        Reason::Exception | Reason::Rbac => {
            make(down, said, Class::ApplicationException, &format!("容器 {name} 的程序因未处理的异常退出"), &format!("the program in container {name} ended with an unhandled exception"))
                .advice(rollback(down))
        }
        Reason::Refused | Reason::Timeout | Reason::NameUnresolved | Reason::AuthFailed => {
            let make = |class, statement| down.make(class, statement).cite(down.cite_words(said.line));
            super::dependency::finding(down.evidence, &down.container, said, make)
        }
    }
}

fn make(down: &Down<'_>, said: &Said<'_>, class: Class, zh: &str, en: &str) -> Finding {
    let line: String = said.line.chars().take(200).collect();
    down.make(class, text(format!("{zh}：{line}"), format!("{en}: {line}"))).cite(down.cite_words(said.line))
}

fn rollback(down: &Down<'_>) -> Text {
    let (root, flag) = (down.root.re.arg(), down.root.re.flag());
    if down.root.kind() != "Deployment" {
        return text("修复程序后发布新版本", "mend the program and release it anew");
    }
    text(
        format!("修复程序后发布；若上一版正常，可先回退：kubectl rollout undo {root}{flag}"),
        format!("mend the program; if the version before worked, go back first: kubectl rollout undo {root}{flag}"),
    )
}

fn environment(down: &Down<'_>, said: &Said<'_>) -> Finding {
    let name = down.container.name;
    let variable = variable(said.line).unwrap_or_default();
    let finding = make(
        down,
        said,
        Class::EnvironmentInvalid,
        &format!("容器 {name} 的环境变量 {variable} 缺失或无效"),
        &format!("environment variable {variable} of container {name} is missing or bad"),
    );
    let named =
        !variable.is_empty() && variable.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let what =
        text(format!("设置 {variable}（把 VALUE 换成实际值）"), format!("set {variable} (put its value for VALUE)"));
    if named && super::template::may_change(down.root) {
        let command =
            format!("kubectl set env {}{} -c {name} {variable}=VALUE", down.root.re.arg(), down.root.re.flag());
        return finding.fix(what, command);
    }
    finding.advice(what)
}

/// Where the configuration file comes from.
fn config_source(down: &Down<'_>, finding: Finding, file: &str) -> Finding {
    let flag = down.container.pod.re.flag();
    let source = mount_of(down, file).and_then(|(volume, _)| {
        let map = field(&volume["configMap"], "name");
        (!map.is_empty()).then(|| map.to_owned())
    });
    let source = source.or_else(|| {
        let volumes = down.container.pod.list("/spec/volumes");
        let mut maps = volumes
            .iter()
            .map(|v| field(&v["configMap"], "name"))
            .filter(|n| !n.is_empty() && *n != "kube-root-ca.crt");
        maps.next().filter(|_| maps.next().is_none()).map(str::to_owned)
    });
    match source {
        Some(map) => finding.fix(
            text(format!("改正 ConfigMap {map} 的内容"), format!("mend the content of config map {map}")),
            format!("kubectl edit configmap {map}{flag}"),
        ),
        None => finding.advice(text("改正配置文件后重新发布", "mend the configuration file and release it anew")),
    }
}

/// The volume and the mount that a path of the container lies in, the longest mount path first.
fn mount_of<'a>(down: &Down<'a>, file: &str) -> Option<(&'a serde_json::Value, &'a serde_json::Value)> {
    let mounts = down.container.spec["volumeMounts"].as_array()?;
    let inside = |m: &&serde_json::Value| {
        let at = field(m, "mountPath").trim_end_matches('/');
        !at.is_empty() && file.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mount = mounts.iter().filter(inside).max_by_key(|m| field(m, "mountPath").len())?;
    let volume = down.container.pod.list("/spec/volumes").iter().find(|v| field(v, "name") == field(mount, "name"))?;
    Some((volume, mount))
}

fn read_only(down: &Down<'_>, said: &Said<'_>) -> Finding {
    let name = down.container.name;
    let file = path(said.line).unwrap_or_default();
    if let Some((volume, mount)) = mount_of(down, file) {
        let at = field(mount, "mountPath");
        let zh = format!("容器 {name} 要写 {file}，而挂载在 {at} 的卷 {} 是只读的", field(volume, "name"));
        let en =
            format!("container {name} writes to {file}, but volume {} at {at} is read-only", field(volume, "name"));
        let finding = make(down, said, Class::VolumeReadOnly, &zh, &en);
        return finding.advice(text(
            "去掉 volumeMounts 的 readOnly，或改写到可写的卷",
            "drop readOnly from the volume mount, or write to a volume that may be written",
        ));
    }
    let zh = format!("容器 {name} 要写 {file}，而根文件系统是只读的（readOnlyRootFilesystem）");
    let en =
        format!("container {name} writes to {file}, but its root file system is read-only (readOnlyRootFilesystem)");
    let finding = make(down, said, Class::ReadOnlyRootFilesystem, &zh, &en);
    let set = down.container.spec["securityContext"]["readOnlyRootFilesystem"] == true;
    let finding = if set {
        finding.cite(down.container.cite_spec("securityContext.readOnlyRootFilesystem", "true"))
    } else {
        finding.likely()
    };
    let dir = file
        .rsplit_once('/')
        .map_or("/tmp", |(dir, leaf)| if leaf.contains('.') && !dir.is_empty() { dir } else { file });
    let dir = if dir.is_empty() { "/tmp" } else { dir };
    let list = if down.container.role == crate::pod::Role::Main { "containers" } else { "initContainers" };
    let spec = json!({
        "volumes": [{"name": "writable", "emptyDir": {}}],
        list: [{"name": name, "volumeMounts": [{"name": "writable", "mountPath": dir}]}],
    });
    let what = text(format!("给 {dir} 挂一个可写的 emptyDir"), format!("mount a writable emptyDir at {dir}"));
    match patch(down.root, &spec) {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    }
}

/// The claim whose disk the program writes to, where the path or the pod leaves no doubt.
fn written_claim<'a>(down: &Down<'a>, file: &str) -> Option<&'a Object> {
    let volumes = down.container.pod.list("/spec/volumes");
    let claim_of = |v: &'a serde_json::Value| field(&v["persistentVolumeClaim"], "claimName");
    let by_path = mount_of(down, file).map(|(volume, _)| claim_of(volume));
    let by_path = by_path.filter(|n| !n.is_empty()).or_else(|| {
        let mut claims = volumes.iter().map(claim_of).filter(|n| !n.is_empty());
        claims.next().filter(|_| claims.next().is_none())
    })?;
    down.evidence.find("PersistentVolumeClaim", down.container.pod.namespace(), by_path)
}

fn disk_full(down: &Down<'_>, said: &Said<'_>) -> Finding {
    let name = down.container.name;
    let file = path(said.line).unwrap_or_default();
    let line: String = said.line.chars().take(200).collect();
    let Some(claim) = written_claim(down, file) else {
        let node = crate::object::ObjectRef::new("Node", "", down.container.pod.str("/spec/nodeName"));
        let zh = format!("容器 {name} 写入的磁盘已满（没有挂载 PVC，用的是节点磁盘）");
        let en = format!("the disk that container {name} writes to is full (the node's own; it mounts no claim there)");
        return make(down, said, Class::ContainerExitError, &zh, &en)
            .because(node)
            .advice(text("清理节点磁盘，或把数据放到 PVC 上", "free the node's disk, or put the data on a claim"));
    };
    let size = claim.str("/status/capacity/storage");
    let size = if size.is_empty() { claim.str("/spec/resources/requests/storage") } else { size };
    let statement = text(
        format!("PVC {} 的卷（{size}）已写满：{line}", claim.re.path()),
        format!("the volume of claim {} ({size}) is full: {line}", claim.re.path()),
    );
    let more = crate::quantity::parse(size).zip(size.strip_suffix("Gi").and_then(|n| n.parse::<u64>().ok()));
    let finding = Finding::new(Class::VolumeFull, &claim.re, statement)
        .seen_on(&down.container.pod.re)
        .cite(down.cite_words(said.line))
        .cite(Cite::field(claim, "/spec/resources/requests/storage"));
    let what = text(
        "扩容该 PVC（存储类须允许扩容），或清理数据",
        "expand the claim (its class must allow that), or remove data",
    );
    match more {
        Some((_, gi)) => finding.fix(
            what,
            format!(
                "kubectl patch pvc {}{} -p '{{\"spec\":{{\"resources\":{{\"requests\":{{\"storage\":\"{}Gi\"}}}}}}}}'",
                claim.name(),
                claim.re.flag(),
                gi * 2
            ),
        ),
        None => finding.advice(what),
    }
}

fn permission(down: &Down<'_>, said: &Said<'_>) -> Finding {
    static LOW_PORT: Pattern = Pattern::new(r"(?i)bind.{0,60}:(\d{1,3})\b|port (\d{1,3})\b");
    let name = down.container.name;
    let zh = format!("容器 {name} 没有所需的权限");
    let en = format!("container {name} lacks a right that it needs");
    let finding = make(down, said, Class::PermissionDenied, &zh, &en);
    let context = &down.container.spec["securityContext"];
    let user = context["runAsUser"].as_i64().or_else(|| down.container.pod.int("/spec/securityContext/runAsUser"));
    let finding = match user {
        Some(user) => finding.cite(down.container.cite_spec("securityContext.runAsUser", user.to_string())),
        None => finding,
    };
    if LOW_PORT.is_match(said.line) {
        return finding.advice(text(
            "改为监听 1024 以上的端口，或加上 NET_BIND_SERVICE 能力",
            "listen on a port above 1023, or add the capability NET_BIND_SERVICE",
        ));
    }
    let what = text(
        "让卷属于程序的用户组（fsGroup），或在镜像里放开该路径的权限",
        "let the volume belong to the program's group (fsGroup), or open the path in the image",
    );
    match user.filter(|u| *u > 0).and_then(|u| patch(down.root, &json!({"securityContext": {"fsGroup": u}}))) {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    }
}

fn architecture(down: &Down<'_>, said: &Said<'_>) -> Finding {
    let node = down.container.pod.str("/spec/nodeName");
    let arch = down.evidence.find("Node", "", node).map_or("?", |n| n.str("/status/nodeInfo/architecture"));
    let image = down.container.image();
    let zh = format!("镜像 {image} 的程序不是为节点 {node} 的架构（{arch}）编译的");
    let en = format!("the program in image {image} is not built for node {node} ({arch})");
    let finding = make(down, said, Class::ImageArchitectureMismatch, &zh, &en);
    let what = text(
        "把 Pod 调度到镜像支持的架构，或重新构建镜像",
        "run it on nodes that the image is built for, or build it anew",
    );
    let other = if arch == "arm64" { "amd64" } else { "arm64" };
    match patch(down.root, &json!({"nodeSelector": {"kubernetes.io/arch": other}})) {
        Some(command) => finding.fix(what, command),
        None => finding.advice(what),
    }
}
