//! What a sentence speaks of, as far as words tell it: a quoted line proves nothing about something that it does not name.

use std::sync::LazyLock;

use regex::Regex;

/// Things that go wrong, each by the words that evidence and people use for it.
const TOPICS: [(&str, &str); 18] = [
    ("memory", r"memory|oom|\bram\b|内存"),
    ("CPU", r"\bcpu\b|throttl|处理器"),
    ("disk", r"disk|volume|storage|pvc?\b|persistentvolume|\bclaim|filesystem|inode|磁盘|存储|卷|容量"),
    ("image", r"image|registry|manifest|镜像|仓库"),
    ("quota", r"quota|limitrange|limit range|配额"),
    ("DNS", r"dns|no such host|resolv|lookup|coredns|域名|解析"),
    ("certificate", r"certificate|x509|\btls\b|\bssl\b|\bca\b|证书"),
    ("network", r"network|\bcni\b|connection|refused|unreachable|timed? ?out|i/o timeout|dial|端口|网络|连接|超时"),
    ("taint", r"taint|tolerat|污点|容忍"),
    ("affinity", r"affinity|nodeselector|node selector|topology|亲和|拓扑"),
    ("rights", r"forbidden|rbac|permission|unauthori[sz]ed|denied|权限|授权|拒绝"),
    ("probe", r"probe|liveness|readiness|探针"),
    ("password", r"password|credential|authentication|login|密码|凭证|认证"),
    ("webhook", r"webhook|admission|准入"),
    ("attack", r"attack|hacked|intrusion|malware|ransom|攻击|入侵|病毒"),
    ("hardware", r"hardware|power|broken fan|硬件|断电"),
    ("bug", r"kernel|\bbug\b|segfault|panic|内核|缺陷"),
    ("database", r"database|mysql|postgres|redis|mongo|etcd|数据库"),
];

#[expect(clippy::expect_used, reason = "the patterns are literals, and are compiled by every test")]
static PATTERNS: LazyLock<Vec<(&str, Regex)>> =
    LazyLock::new(|| TOPICS.iter().map(|(name, words)| (*name, Regex::new(words).expect("a pattern"))).collect());

/// What a text in small letters speaks of.
pub fn topics(text: &str) -> Vec<&'static str> {
    PATTERNS.iter().filter(|(_, words)| words.is_match(text)).map(|(name, _)| *name).collect()
}

/// Whether a text in small letters says why something is so.
pub fn says_why(text: &str) -> bool {
    #[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
    static WHY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("cause|because|due to|reason|culprit|fault of|原因|导致|由于|因为|引起|造成|根因")
            .expect("a pattern")
    });
    WHY.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_known_in_both_languages() {
        assert_eq!(topics("the container was oomkilled"), topics("容器超出内存"));
        assert_eq!(topics("the claim asks for 5gi"), ["disk"]);
        assert_eq!(topics("nothing of note"), Vec::<&str>::new());
        assert!(says_why("根因是配额") && says_why("it is due to dns") && !says_why("the pod waits"));
    }
}
