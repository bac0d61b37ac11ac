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
	// Exclusive faults touch the whole cluster, or count only when asked about: left out of `fault all`.
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
type Cluster struct {
	State harness.State
	// Home is the folder of the manifests.
	Home string
}

// Kubectl runs one command and returns what it printed.
func (c Cluster) Kubectl(stdin string, args ...string) (string, error) {
	return c.kubectl("", stdin, args...)
}

func (c Cluster) kubectl(dir, stdin string, args ...string) (string, error) {
	cmd := exec.Command(c.State.Kubectl, append([]string{"--kubeconfig", c.State.Kubeconfig}, args...)...)
	cmd.Dir = dir
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

// Make brings faults up, all manifests at once.
func (c Cluster) Make(faults []Fault) error {
	var all []string
	for _, fault := range faults {
		files, err := filepath.Glob(filepath.Join(c.folder(fault), "*.yaml"))
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
			all = append(all, string(body))
		}
	}
	// A bare pod is refused until its new namespace has a service account: apply again.
	var err error
	for range 5 {
		if err = c.Apply(strings.Join(all, "\n---\n")); err == nil {
			break
		}
	}
	for _, fault := range faults {
		if err == nil {
			err = c.commands(fault, fault.Then)
		}
	}
	return err
}

// Repair mends one fault.
func (c Cluster) Repair(fault Fault) error {
	if len(fault.Mend) == 0 {
		return fmt.Errorf("fault %s has no mend", fault.Name)
	}
	return c.commands(fault, fault.Mend)
}

// commands runs kubectl commands in the fault's own folder, words split at spaces.
func (c Cluster) commands(fault Fault, lines []string) error {
	for _, line := range lines {
		if _, err := c.kubectl(c.folder(fault), "", strings.Fields(line)...); err != nil {
			return fmt.Errorf("fault %s: %w", fault.Name, err)
		}
	}
	return nil
}

func (c Cluster) folder(fault Fault) string { return filepath.Join(c.Home, "faults", fault.Name) }

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
