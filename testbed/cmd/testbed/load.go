package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"midwatch.dev/testbed/internal/catalogue"
)

// load fills the cluster: with the one of the comparison with other tools, or with any number of healthy pods.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	dir := dirFlag(flags)
	compare := flags.Bool("compare", false, "200 healthy pods, six faults")
	healthy := flags.Bool("healthy", false, "200 healthy pods")
	pods := flags.Int("pods", 0, "healthy pods in deployments of 50, with the nodes they need")
	patience := flags.Duration("patience", 5*time.Minute, "how long to wait until all pods are ready")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	cluster, err := open(*dir)
	if err != nil {
		return err
	}
	var files []string
	switch {
	case *compare:
		files = []string{"compare/healthy.yaml", "faults/seed-incident/incident.yaml", "compare/faults.yaml"}
	case *healthy:
		files = []string{"compare/healthy.yaml"}
	case *pods > 0:
		if err := cluster.Apply(manyPods(*pods)); err != nil {
			return err
		}
		return awaitReady(cluster, []string{"load"}, *pods, *patience)
	default:
		return errors.New("say --compare, --healthy or --pods N")
	}
	for _, file := range files {
		body, err := os.ReadFile(filepath.Join(home(), file))
		if err != nil {
			return err
		}
		if err := cluster.Apply(string(body)); err != nil {
			return err
		}
	}
	return awaitReady(cluster, []string{"shop", "payments", "web", "data", "platform"}, 200, *patience)
}

func manyPods(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: load}\n")
	for i := range (n + 99) / 100 {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Node
metadata: {name: load-%[1]d, labels: {kubernetes.io/hostname: load-%[1]d, kubernetes.io/os: linux, kubernetes.io/arch: amd64}}
status:
  allocatable: {cpu: "32", memory: 64Gi, pods: "110"}
  capacity: {cpu: "32", memory: 64Gi, pods: "110"}
`, i)
	}
	for i := 0; n > 0; i++ {
		replicas := min(n, 50)
		n -= replicas
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d, namespace: load, labels: {app: app-%[1]d}}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: app-%[1]d}}
  template:
    metadata: {labels: {app: app-%[1]d}}
    spec:
      automountServiceAccountToken: false
      nodeSelector: {kubernetes.io/os: linux}
      containers:
      - name: app
        image: registry.example.com/load/app:1.0.0
        ports: [{name: http, containerPort: 8080}]
        resources: {requests: {cpu: 20m, memory: 32Mi}, limits: {memory: 64Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: app-%[1]d, namespace: load}
spec: {selector: {app: app-%[1]d}, ports: [{name: http, port: 80, targetPort: http}]}
`, i, replicas)
	}
	return b.String()
}

func awaitReady(cluster catalogue.Cluster, namespaces []string, want int, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		ready := 0
		for _, namespace := range namespaces {
			out, err := cluster.Kubectl("", "get", "deployments", "-n", namespace, "-o", "jsonpath={range .items[*]}{.status.readyReplicas} {end}")
			if err != nil {
				return err
			}
			for _, word := range strings.Fields(out) {
				count, err := strconv.Atoi(word)
				if err != nil {
					return err
				}
				ready += count
			}
		}
		if ready >= want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d pods are ready", ready, want)
		}
	}
}
