package harness

import (
	"fmt"
	"path/filepath"

	"midwatch.dev/testbed/internal/kubelet"
)

// run starts one program by name. The first failure is kept in processes.failure, so that callers stay a straight line.
func (t *Testbed) run(name string) {
	program, args := t.command(name)
	if err := t.processes.start(name, program, args...); err != nil && t.processes.failure == nil {
		t.processes.failure = err
		t.processes.died <- err
	}
}

func (t *Testbed) url(scheme, port string) string {
	return fmt.Sprintf("%s://%s", scheme, local(t.ports[port]))
}

func (t *Testbed) file(name string) string { return filepath.Join(t.State.Dir, name) }

func (t *Testbed) bin(name string) string { return filepath.Join(t.options.Bin, name) }

func (t *Testbed) command(name string) (string, []string) {
	port := func(name string) string { return fmt.Sprint(t.ports[name]) }
	pki := t.authority.Path
	switch name {
	case "etcd":
		return t.bin("controlplane"), []string{"etcd", "--data-dir", t.file("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
			"--listen-client-urls", t.url("http", "etcd"), "--advertise-client-urls", t.url("http", "etcd"),
			"--listen-peer-urls", t.url("http", "etcd-peer"), "--initial-advertise-peer-urls", t.url("http", "etcd-peer"),
			"--initial-cluster", "default=" + t.url("http", "etcd-peer")}
	case "kube-apiserver":
		return t.bin("controlplane"), []string{"kube-apiserver", "--etcd-servers", t.url("http", "etcd"),
			"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none", "--secure-port", port("apiserver"),
			"--tls-cert-file", pki("apiserver.crt"), "--tls-private-key-file", pki("apiserver.key"), "--client-ca-file", pki("ca.crt"),
			"--service-account-key-file", pki("sa.key"), "--service-account-signing-key-file", pki("sa.key"),
			"--service-account-issuer", "https://kubernetes.default.svc", "--service-cluster-ip-range", "10.0.0.0/16",
			"--authorization-mode", "Node,RBAC", "--token-auth-file", pki("tokens.csv"), "--allow-privileged=true",
			"--kubelet-preferred-address-types", "InternalIP", "--kubelet-client-certificate", pki("apiserver-kubelet.crt"), "--kubelet-client-key", pki("apiserver-kubelet.key"),
			"--proxy-client-cert-file", pki("front-proxy.crt"), "--proxy-client-key-file", pki("front-proxy.key"),
			"--requestheader-client-ca-file", pki("ca.crt"), "--requestheader-allowed-names", "front-proxy",
			"--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group", "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
			"--audit-policy-file", t.file("audit-policy.yaml"), "--audit-log-path", t.State.AuditLog}
	case "kube-controller-manager":
		return t.bin("controlplane"), []string{"kube-controller-manager", "--kubeconfig", t.file("kubeconfig-controller-manager"), "--leader-elect=false",
			"--secure-port", port("controller-manager"), "--bind-address", "127.0.0.1", "--tls-cert-file", pki("apiserver.crt"), "--tls-private-key-file", pki("apiserver.key"),
			"--service-account-private-key-file", pki("sa.key"), "--root-ca-file", pki("ca.crt"), "--use-service-account-credentials=true",
			"--kube-api-qps", "200", "--kube-api-burst", "400", "--node-monitor-grace-period", "20s", "--node-monitor-period", "2s",
			"--horizontal-pod-autoscaler-sync-period", "3s", "--pvclaimbinder-sync-period", "5s"}
	case "kube-scheduler":
		return t.bin("controlplane"), []string{"kube-scheduler", "--kubeconfig", t.file("kubeconfig-scheduler"), "--leader-elect=false",
			"--secure-port", port("scheduler"), "--bind-address", "127.0.0.1", "--kube-api-qps", "200", "--kube-api-burst", "400"}
	case "kwok":
		return t.bin("kwok"), []string{"--kubeconfig", t.file("kubeconfig-kwok"), "--manage-nodes-with-label-selector", exceptOwnNodes, "-c", t.file("kwok.yaml"),
			"--node-ip", "127.0.0.1", "--node-port", port("kubelet"), "--server-address", local(t.ports["kwok"]), "--node-lease-duration-seconds", "40"}
	case "kube-state-metrics":
		return t.bin("kube-state-metrics"), []string{"--kubeconfig", t.file("kubeconfig-kube-state-metrics"), "--host", "127.0.0.1", "--port", port("kube-state-metrics"),
			"--telemetry-host", "127.0.0.1", "--telemetry-port", port("kube-state-metrics-self")}
	case "prometheus":
		return t.bin("prometheus"), []string{"--config.file", t.file("prometheus.yaml"), "--storage.tsdb.path", t.file("tsdb"), "--storage.tsdb.retention.time", "1h",
			"--web.listen-address", local(t.ports["prometheus"]), "--web.external-url", t.State.Prometheus, "--log.level", "warn"}
	default:
		return t.bin(name), []string{"--config.file", t.file("alertmanager.yaml"), "--storage.path", t.file("alertmanager"),
			"--web.listen-address", local(t.ports["alertmanager"]), "--web.external-url", t.State.Alertmanager, "--cluster.listen-address=", "--log.level", "debug"}
	}
}

// kwok keeps all nodes healthy except those that the harness reports for.
var exceptOwnNodes = "!" + kubelet.OwnNodesLabel
