//! The words by which programs say why they stop: one pattern for each reason, in Chinese and English.

use super::logs::Reason;
use crate::pattern::Pattern;

static RBAC: Pattern = Pattern::new(r#"is forbidden: User "|cannot \w+ resource ""#);
static ARCHITECTURE: Pattern = Pattern::new(r"(?i)exec format error|exec user process caused.*format");
static NOT_EXECUTABLE: Pattern = Pattern::new(
    r"(?i)^(?:/\S*/)?(?:ba|a|z|da)?sh: .*permission denied|\.(?:sh|py|bin|bash): permission denied$|: cannot execute\b|exec:? \S+: permission denied",
);
static COMMAND_NOT_FOUND: Pattern = Pattern::new(
    r#"(?i)(?:^(?:/\S*/)?(?:ba|a|z|da)?sh: (?:line )?(?:\d+: )?.{1,120}: (?:command )?not found$|: command not found|executable file not found in|exec:? \S+: no such file or directory|env: .{1,80}: no such file or directory|sh: (?:0: )?(?:can't|cannot) open \S+|can't open file '[^']+': \[Errno 2\]|unable to access jarfile|未找到命令|找不到命令)"#,
);
static DISK_FULL: Pattern =
    Pattern::new(r"(?i)no space left on device|ENOSPC|disk quota exceeded|磁盘空间不足|磁盘已满|设备上没有空间");
static READ_ONLY: Pattern = Pattern::new(r"(?i)read-only file ?system|EROFS|只读文件系统");
static PORT_IN_USE: Pattern = Pattern::new(
    r"(?i)address (?:already )?in use|EADDRINUSE|only one usage of each socket address|port \S{1,12} (?:was|is) already (?:in use|allocated|bound)|端口.{0,20}(?:被占用|已占用|占用中|已被使用|已被绑定)|地址已(?:在|被)使用",
);
static RIGHTS_IN_DATABASE: Pattern =
    Pattern::new(r"(?i)permission denied (?:for|to) (?:table|relation|schema|database|sequence|function|role)");
static AUTH: Pattern = Pattern::new(
    r#"(?i)password authentication failed|access denied for user|WRONGPASS|NOAUTH|invalid username-password|authenticat\w+ (?:failed|failure|error|rejected)|AuthenticationFailed|login failed for user|ACCESS_REFUSED|ORA-01017|invalid credentials|bad credentials|invalid password|incorrect password|no pg_hba\.conf entry|role "[^"]+" does not exist|InvalidAccessKeyId|SignatureDoesNotMatch|invalid api key|\b401 Unauthorized|unable to authenticate|not authorized to (?:access|perform)|认证失败|鉴权失败|身份验证失败|密码错误|密码不正确|用户名或密码"#,
);
static NAME: Pattern = Pattern::new(
    r"(?i)no such host|ENOTFOUND|EAI_AGAIN|name or service not known|nodename nor servname|temporary failure in name resolution|UnknownHostException|could not translate host name|NXDOMAIN|SERVFAIL|server can't find|bad address '|could not resolve|couldn't resolve|host not found in upstream|name does not resolve|unable to resolve|can't resolve '|getaddrinfo (?:failed|error)|gaierror|no address associated with hostname|failed to lookup address|dns error|lookup \S+(?: on \S+)?: .*(?:i/o timeout|server misbehaving)|无法解析|域名解析失败|解析(?:主机|域名).{0,30}失败|未知的名称或服务|未知主机|主机名.{0,30}(?:不存在|解析)",
);
static REFUSED: Pattern = Pattern::new(
    r"(?i)connection (?:was )?refused|ECONNREFUSED|actively refused|connection to \S+ refused|no connection could be made|连接被拒绝|拒绝连接|连接拒绝|拒绝了连接",
);
static TIMEOUT: Pattern = Pattern::new(
    r"(?i)i/o timeout|connection timed out|connect(?:ion)? time(?:d )?-?out|ETIMEDOUT|ConnectTimeout|context deadline exceeded|SocketTimeoutException|timed out (?:while )?(?:connecting|waiting)|read timed out|timeout (?:expired|exceeded|connecting)|ServerSelectionTimeoutError|server selection (?:error|timeout)|no route to host|EHOSTUNREACH|network is unreachable|ENETUNREACH|operation timed out|upstream timed out|request timed out|(?:连接|请求|访问|读取|等待).{0,60}超时",
);
static CANNOT_CONNECT: Pattern = Pattern::new(
    r"(?i)could not connect to|can(?:no|')t connect to|unable to connect to|failed to connect to|connection is not available|communications link failure|NoBrokersAvailable|NoNodesAvailable|(?:数据库|缓存|redis|mysql|消息队列|服务|注册中心).{0,12}连接(?:失败|异常|不上)|连接.{0,30}(?:失败|不上)|无法连接",
);
static ENVIRONMENT: Pattern = Pattern::new(
    r#"(?i)KeyError: '(?-i:[A-Z][A-Z0-9_]+)'|env(?:ironment)?(?: var(?:iable)?s?)?:? ["'`]?(?-i:[A-Z][A-Z0-9_]{2,})["'`]? (?:is |was |are )?(?:not (?:set|found|defined|provided)|missing|required|undefined|empty|unset|must)|(?:missing|required|undefined|unset|invalid|no) (?:required |mandatory )?env(?:ironment)?[ _-]?(?:var(?:iable)?s?)?\b|environment variable.{0,60}(?:not (?:set|found|defined|present|provided)|missing|required|undefined|empty|unset|invalid|must be)|^\W*(?:\S+ ){0,6}["'`]?(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+)["'`]?:? (?:is |was |must be |environment )?(?:not set|required|missing|undefined|unset|set|not defined|empty|invalid)\b|(?-i:[A-Z][A-Z0-9_]{2,}): (?:parameter (?:null or )?not set|unbound variable)|could not resolve placeholder|required key \S+ missing value|you (?:need to|must) specify (?:one of|POSTGRES|MYSQL|at least)|database is uninitialized and|环境变量.{0,40}(?:未设置|缺失|为空|不存在|未定义|没有设置|无效|未配置)|(?:缺少|未设置|没有设置|未找到).{0,8}环境变量"#,
);
static CONFIG: Pattern = Pattern::new(
    r#"(?i)(?:cannot|can't|could not|couldn't|failed to|unable to|error(?: while)?|failure) (?:pars\w*|load\w*|decod\w*|unmarshal\w*|read\w*|open\w*|find) .{0,80}(?:config|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini|\.properties|\.xml)|(?:config|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini|\.properties|\.xml)\S{0,6}:? .{0,60}(?:no such file|not found|does not exist|invalid|malformed|syntax error|parse error|unexpected (?:token|end)|cannot parse|contains errors|test failed)|yaml: (?:line \d+|unmarshal|control characters)|yaml\.(?:scanner|parser|constructor)\.\w+|mapping values are not allowed|toml: |TOMLDecodeError|nginx: \[emerg\] (?:unknown directive|unexpected|invalid|directive|"\w+" directive|duplicate|no )|(?:invalid|bad|wrong|illegal) config|FATAL CONFIG FILE ERROR|unrecognized configuration parameter|unknown variable '|配置(?:文件)?.{0,30}(?:错误|失败|不存在|无效|非法|有误|异常)|(?:解析|加载|读取)配置(?:文件)?.{0,30}(?:失败|错误|异常)"#,
);
static PERMISSION: Pattern = Pattern::new(
    r"(?i)permission denied|EACCES|EPERM|operation not permitted|AccessDeniedException|PermissionError|access is denied|权限不足|权限不够|没有权限|拒绝访问|无权",
);

/// Most telling first.
pub static WORDS: [(&Pattern, Reason); 18] = [
    (&RBAC, Reason::Rbac),
    (&ARCHITECTURE, Reason::Architecture),
    (&COMMAND_NOT_FOUND, Reason::CommandNotFound),
    (&NOT_EXECUTABLE, Reason::NotExecutable),
    (&DISK_FULL, Reason::DiskFull),
    (&READ_ONLY, Reason::ReadOnly),
    (&PORT_IN_USE, Reason::PortInUse),
    (&RIGHTS_IN_DATABASE, Reason::AuthFailed),
    (&AUTH, Reason::AuthFailed),
    (&NAME, Reason::NameUnresolved),
    (&REFUSED, Reason::Refused),
    (&TIMEOUT, Reason::Timeout),
    (&CANNOT_CONNECT, Reason::Refused),
    (&ENVIRONMENT, Reason::Environment),
    (&CONFIG, Reason::ConfigFile),
    (&PERMISSION, Reason::PermissionDenied),
    (&PANIC, Reason::Panic),
    (&EXCEPTION, Reason::Exception),
];

static PANIC: Pattern = Pattern::new(
    r"^(?:\S+ ){0,4}?panic: |^fatal error: |unexpected fault address|thread '[^']*' (?:\(\d+\) )?panicked at|terminate called after throwing|segmentation fault|SIGSEGV|SIGABRT|SIGILL|SIGBUS|core dumped|[Aa]ssertion .{1,200} failed|free\(\): invalid|double free or corruption|malloc\(\): |\*\*\* stack smashing|Fatal Python error|A fatal error has been detected by the Java Runtime|JavaScript heap out of memory|段错误|核心已转储|程序崩溃",
);
static EXCEPTION: Pattern = Pattern::new(
    r#"^(?:.{0,120}\s)?Exception in thread "|^Caused by: |^Traceback \(most recent call last\)|[Uu]nhandled (?:[Ee]xception|[Pp]romise ?[Rr]ejection|error)|UnhandledPromiseRejection|^(?:[a-z_]\w*\.)+\w*(?:Exception|Error)\b|^(?:Uncaught )?[A-Z]\w*(?:Error|Exception)(?: \[\w+\])?: |^\w+(?:\.\w+)*Error: |\((?:[A-Z]\w*::)*[A-Z]\w*(?:Error|Exception)\)$|PHP Fatal error:|^Fatal error: |Uncaught (?:Exception|Error|TypeError|PDOException)|Cannot find module|ModuleNotFoundError|Could not find or load main class|Application run failed|java\.lang\.OutOfMemoryError|error while loading shared libraries|内存溢出|未捕获的?异常|未处理的?异常"#,
);
