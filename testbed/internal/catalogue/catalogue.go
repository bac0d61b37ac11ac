// Package catalogue is the list of faults: a folder each, with manifests and a fault.yaml that says what is expected.
package catalogue

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"midwatch.dev/testbed/internal/harness"
)

// Fault is one entry of the catalogue.
type Fault struct {
	Name string `json:"name"`
	// Text says in a line what is wrong.
	Text string `json:"text"`
	// Expected is the cause that a diagnosis must name.
	Expected Cause `json:"expected"`
	// Exclusive faults break something for the whole cluster and are left out of `fault all`.
	Exclusive bool `json:"exclusive,omitempty"`
	// Shows are kubectl commands whose output must hold a text once the fault is there.
	Shows []Show `json:"shows"`
	// Then are kubectl commands after the manifests; Mend are those that repair it.
	Then []string `json:"then,omitempty"`
	Mend []string `json:"mend,omitempty"`
}

// Cause is an object and the class of what is wrong with it.
type Cause struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Class     string `json:"class"`
}

// Show is a kubectl command and what its output must hold.
type Show struct {
	Get  string `json:"get"`
	Text string `json:"text"`
}

// List reads the whole catalogue, by name.
func List(home string) ([]Fault, error) {
	files, err := filepath.Glob(filepath.Join(home, "faults", "*", "fault.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var list []Fault
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var fault Fault
		if err := yaml.UnmarshalStrict(body, &fault); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		fault.Name = filepath.Base(filepath.Dir(file))
		list = append(list, fault)
	}
	return list, nil
}

// Find looks one fault up.
func Find(home, name string) (Fault, error) {
	list, err := List(home)
	if err != nil {
		return Fault{}, err
	}
	for _, fault := range list {
		if fault.Name == name {
			return fault, nil
		}
	}
	return Fault{}, fmt.Errorf("no fault %q; `testbed fault --list` names them", name)
}

// Cluster runs kubectl against one test bed.
type Cluster struct{ State harness.State }

// Kubectl runs one command and returns what it printed.
func (c Cluster) Kubectl(stdin string, args ...string) (string, error) {
	cmd := exec.Command(c.State.Kubectl, append([]string{"--kubeconfig", c.State.Kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return out.String(), nil
}

// Apply puts manifests into the cluster. `$(WEBHOOK_URL)` and `$(CA_BUNDLE)` stand for the harness' own server.
func (c Cluster) Apply(text string) error {
	ca, err := os.ReadFile(c.State.CA)
	if err != nil {
		return err
	}
	text = strings.NewReplacer("$(WEBHOOK_URL)", c.State.WebhookURL, "$(CA_BUNDLE)", base64.StdEncoding.EncodeToString(ca)).Replace(text)
	_, err = c.Kubectl(text, "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// Make brings one fault up.
func (c Cluster) Make(home string, fault Fault) error {
	files, err := filepath.Glob(filepath.Join(home, "faults", fault.Name, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Base(file) == "fault.yaml" {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := c.Apply(string(body)); err != nil {
			return fmt.Errorf("fault %s: %w", fault.Name, err)
		}
	}
	return c.Commands(fault.Then)
}

// Commands runs kubectl commands as they are written, words split at spaces.
func (c Cluster) Commands(lines []string) error {
	for _, line := range lines {
		if _, err := c.Kubectl("", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// Missing says what the fault does not show (yet).
func (c Cluster) Missing(fault Fault) []string {
	var missing []string
	for _, show := range fault.Shows {
		out, err := c.Kubectl("", strings.Fields(show.Get)...)
		if err != nil {
			missing = append(missing, err.Error())
		} else if !strings.Contains(out, show.Text) {
			missing = append(missing, fmt.Sprintf("`%s` does not hold %q", show.Get, show.Text))
		}
	}
	return missing
}
