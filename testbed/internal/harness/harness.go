// Package harness starts a whole test bed in a folder and stops it again without leftovers.
package harness

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"midwatch.dev/testbed/internal/cloud"
	"midwatch.dev/testbed/internal/kubelet"
	"midwatch.dev/testbed/internal/pki"
)

// Options of one test bed.
type Options struct {
	Dir            string
	Webhooks       []string
	SMTP           string
	PrometheusPush string
	Nodes          int
	NoPrometheus   bool
	AlertFor       time.Duration
	Home           string
	Bin            string
}

// State is what `up` prints and keeps in testbed.json.
type State struct {
	Kubeconfig   string            `json:"kubeconfig"`
	APIServer    string            `json:"apiserver"`
	Prometheus   string            `json:"prometheus"`
	Alertmanager string            `json:"alertmanager"`
	Dir          string            `json:"dir"`
	Kubectl      string            `json:"kubectl"`
	AuditLog     string            `json:"audit_log"`
	Tokens       map[string]string `json:"tokens"`
	CA           string            `json:"ca"`
	WebhookURL   string            `json:"webhook_url"`
	Supervisor   int               `json:"supervisor"`
	Pids         map[string]int    `json:"pids"`
	Seconds      float64           `json:"seconds"`
}

// Testbed is a running test bed.
type Testbed struct {
	State     State
	options   Options
	authority *pki.Authority
	processes *processes
	ports     map[string]int
	client    kubernetes.Interface
	cancel    context.CancelFunc
	janitor   *os.File
}

// Up starts everything; it must be called, as must Stop, from the program's main thread: the kernel ends the children
// when the thread that started them ends.
func Up(ctx context.Context, o Options) (*Testbed, error) {
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	t := &Testbed{options: o, cancel: cancel}
	if err := t.layOut(); err != nil {
		t.Stop()
		return nil, err
	}
	if err := t.start(ctx); err != nil {
		t.Stop()
		return nil, err
	}
	t.State.Supervisor = os.Getpid()
	t.State.Pids = t.processes.pids()
	t.State.Seconds = time.Since(began).Round(10 * time.Millisecond).Seconds()
	body, err := json.Marshal(t.State)
	if err == nil {
		err = os.WriteFile(StateFile(t.State.Dir), append(body, '\n'), 0o600)
	}
	if err != nil {
		t.Stop()
		return nil, err
	}
	return t, nil
}

// StateFile is where a test bed's addresses are kept.
func StateFile(dir string) string { return filepath.Join(dir, "testbed.json") }

// Load reads the state of a running test bed.
func Load(dir string) (State, error) {
	var s State
	body, err := os.ReadFile(StateFile(dir))
	if err != nil {
		return s, fmt.Errorf("no test bed in %s: %w", dir, err)
	}
	return s, json.Unmarshal(body, &s)
}

// Died reports the first program that ended although nobody stopped it.
func (t *Testbed) Died() <-chan error { return t.processes.died }

// Stop ends all programs at once (nothing in them is worth a slow goodbye) and removes the folder.
func (t *Testbed) Stop() {
	t.cancel()
	if t.processes != nil {
		t.processes.killAll()
	}
	if t.State.Dir != "" {
		_ = os.RemoveAll(t.State.Dir)
	}
	if t.janitor != nil {
		_ = t.janitor.Close()
	}
}

func (t *Testbed) layOut() error {
	dir, err := makeDir(t.options.Dir)
	if err != nil {
		return err
	}
	t.State.Dir = dir
	t.processes = newProcesses(dir)
	if t.janitor, err = startJanitor(dir); err != nil {
		return err
	}
	if t.ports, err = freePorts("etcd", "etcd-peer", "apiserver", "controller-manager", "scheduler", "kubelet", "kwok", "kube-state-metrics", "kube-state-metrics-self", "prometheus", "alertmanager"); err != nil {
		return err
	}
	log, err := os.Create(t.file("harness.log"))
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true"} {
		if err := flags.Set(name, value); err != nil {
			return err
		}
	}
	klog.SetOutput(log)
	return t.writeFiles()
}

// makeDir makes a new folder; one that already holds anything is refused, since Stop removes it.
func makeDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "midwatch-testbed-")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	return dir, err
}

func (t *Testbed) start(ctx context.Context) error {
	t.run("etcd")
	t.run("kube-apiserver")
	if !t.options.NoPrometheus {
		if t.wantsAlertmanager() {
			t.run("alertmanager")
		}
		t.run("prometheus")
	}
	if err := t.connect(); err != nil {
		return err
	}
	if err := t.until(ctx, "API server", func() error {
		return t.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok", "kube-state-metrics"} {
		t.run(name)
	}
	if err := t.processes.failure; err != nil {
		return err
	}
	if err := t.furnish(ctx); err != nil {
		return err
	}
	port := t.ports["kubelet"]
	k := kubelet.Start(ctx, t.client, port)
	if err := t.serve(ctx, k.Handler(local(t.ports["kwok"]))); err != nil {
		return err
	}
	go cloud.Run(ctx, t.client)
	return t.ready(ctx)
}

func (t *Testbed) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", t.State.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 1000, 2000
	// The harness itself must not show in the audit log as the person at the keyboard.
	config.CertFile, config.KeyFile = t.authority.Path("kubelet.crt"), t.authority.Path("kubelet.key")
	config.CertData, config.KeyData = nil, nil
	t.client, err = kubernetes.NewForConfig(config)
	return err
}

// until asks again until the answer is good, or a program has died, or a minute has passed.
func (t *Testbed) until(ctx context.Context, what string, check func() error) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case died := <-t.processes.died:
			return died
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after two minutes: %w", what, err)
		}
	}
}

var errNotReady = errors.New("not ready")
