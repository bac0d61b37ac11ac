package harness

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"midwatch.dev/testbed/internal/cloud"
)

// furnish puts into the empty cluster what every cluster has: nodes, drivers, the readers' rights, the metrics API.
func (t *Testbed) furnish(ctx context.Context) error {
	for i := 1; i <= t.options.Nodes; i++ {
		if _, err := t.client.CoreV1().Nodes().Create(ctx, node(i), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := cloud.Install(ctx, t.client); err != nil {
		return err
	}
	if err := t.grantReading(ctx); err != nil {
		return err
	}
	return t.registerMetrics(ctx)
}

// node is a healthy one of 4 CPU and 8 GiB, in one of three zones.
func node(i int) *v1.Node {
	name := fmt.Sprintf("node-%d", i)
	resources := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("8Gi"),
		v1.ResourceEphemeralStorage: resource.MustParse("100Gi"), v1.ResourcePods: resource.MustParse("110"),
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
				"topology.kubernetes.io/region": "ap-guangzhou", "topology.kubernetes.io/zone": fmt.Sprintf("ap-guangzhou-%d", 1+i%3),
			},
			// Without it the attach-detach controller leaves the node's volumes alone.
			Annotations: map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
		},
		Status: v1.NodeStatus{
			Capacity: resources, Allocatable: resources,
			NodeInfo: v1.NodeSystemInfo{
				Architecture: "amd64", OperatingSystem: "linux", OSImage: "Debian GNU/Linux 12 (bookworm)", KernelVersion: "6.1.0-28-amd64",
				KubeletVersion: "v1.36.3", ContainerRuntimeVersion: "containerd://2.1.4",
			},
		},
	}
}

func (t *Testbed) grantReading(ctx context.Context) error {
	rbac := t.client.RbacV1()
	read := []string{"get", "list", "watch"}
	roles := []rbacv1.ClusterRole{
		{ObjectMeta: metav1.ObjectMeta{Name: "testbed:readers"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: read},
			{NonResourceURLs: []string{"*"}, Verbs: []string{"get"}},
		}},
		{ObjectMeta: metav1.ObjectMeta{Name: "testbed:narrow"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: read},
		}},
	}
	for _, role := range roles {
		if _, err := rbac.ClusterRoles().Create(ctx, &role, metav1.CreateOptions{}); err != nil {
			return err
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: role.Name}},
		}
		if _, err := rbac.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// registerMetrics makes the API server pass metrics.k8s.io on to the harness. The service has an external name, since
// endpoints on the loopback address are refused.
func (t *Testbed) registerMetrics(ctx context.Context) error {
	port := int32(t.ports["kubelet"])
	service := &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-server", Namespace: "kube-system"},
		Spec:       v1.ServiceSpec{Type: v1.ServiceTypeExternalName, ExternalName: "localhost", Ports: []v1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(port)}}},
	}
	if _, err := t.client.CoreV1().Services("kube-system").Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1beta1.metrics.k8s.io"},
		"spec": map[string]any{
			"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
			"service": map[string]any{"name": "metrics-server", "namespace": "kube-system", "port": port}, "caBundle": t.authority.PEM,
		},
	})
	if err != nil {
		return err
	}
	return t.client.Discovery().RESTClient().Post().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").
		SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
}

func (t *Testbed) serve(ctx context.Context, handler http.Handler) error {
	cert, err := tls.LoadX509KeyPair(t.authority.Path("kubelet-serving.crt"), t.authority.Path("kubelet-serving.key"))
	if err != nil {
		return err
	}
	// HTTP/1.1 only: exec and port-forward upgrade the connection.
	server := &http.Server{
		Addr: local(t.ports["kubelet"]), Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		if err := server.ListenAndServeTLS("", ""); err != nil && ctx.Err() == nil {
			t.processes.died <- fmt.Errorf("kubelet's server: %w", err)
		}
	}()
	return nil
}

// ready waits until the cluster can run pods and every other program answers.
func (t *Testbed) ready(ctx context.Context) error {
	if err := t.until(ctx, "nodes", func() error { return t.nodesReady(ctx) }); err != nil {
		return err
	}
	if err := t.until(ctx, "default service account", func() error {
		_, err := t.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	}); err != nil {
		return err
	}
	addresses := []string{t.url("http", "kube-state-metrics") + "/healthz"}
	if t.State.Prometheus != "" {
		addresses = append(addresses, t.State.Prometheus+"/-/ready")
	}
	if t.State.Alertmanager != "" {
		addresses = append(addresses, t.State.Alertmanager+"/-/ready")
	}
	for _, address := range addresses {
		if err := t.until(ctx, address, func() error { return answers(ctx, address) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *Testbed) nodesReady(ctx context.Context) error {
	list, err := t.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range list.Items {
		ready := false
		for _, c := range node.Status.Conditions {
			ready = ready || c.Type == v1.NodeReady && c.Status == v1.ConditionTrue
		}
		// The node controller takes this taint away a moment after the node is ready.
		if !ready || len(node.Spec.Taints) > 0 {
			return errNotReady
		}
	}
	return nil
}

func answers(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	return nil
}
