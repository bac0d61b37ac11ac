package harness

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// processes are the programs of one test bed. The kernel ends each when the harness ends, however that happens.
type processes struct {
	dir      string
	running  map[string]*exec.Cmd
	died     chan error
	failure  error
	stopping atomic.Bool
}

func newProcesses(dir string) *processes {
	return &processes{dir: dir, running: map[string]*exec.Cmd{}, died: make(chan error, 16)}
}

func (p *processes) start(name, program string, args ...string) error {
	path := filepath.Join(p.dir, name+".log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p.running[name] = cmd
	go func() {
		err := cmd.Wait()
		if !p.stopping.Load() {
			p.died <- fmt.Errorf("%s ended (%v); the end of its log:\n%s", name, err, tail(path))
		}
	}()
	return nil
}

func (p *processes) pids() map[string]int {
	pids := map[string]int{}
	for name, cmd := range p.running {
		pids[name] = cmd.Process.Pid
	}
	return pids
}

func (p *processes) killAll() {
	p.stopping.Store(true)
	for _, cmd := range p.running {
		// Already gone is as good as killed.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	for _, cmd := range p.running {
		_, _ = cmd.Process.Wait()
	}
}

func tail(path string) string {
	body, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// freePorts picks ports below the range from which the kernel takes ports for outgoing connections, so that none is
// taken between this check and the program's start.
func freePorts(names ...string) (map[string]int, error) {
	ports, taken := map[string]int{}, map[int]bool{}
	for _, name := range names {
		for attempt := 0; ports[name] == 0; attempt++ {
			if attempt == 200 {
				return nil, fmt.Errorf("no free port for %s", name)
			}
			port := 10000 + rand.IntN(20000)
			if taken[port] {
				continue
			}
			listener, err := net.Listen("tcp", local(port))
			if err != nil {
				continue
			}
			_ = listener.Close()
			ports[name], taken[port] = port, true
		}
	}
	return ports, nil
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// JanitorCommand is the hidden subcommand that startJanitor runs.
const JanitorCommand = "janitor"

// startJanitor starts a copy of this program that removes dir once the harness is gone, even by kill -9: it reads a pipe
// whose other end only the harness holds.
func startJanitor(dir string) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, JanitorCommand, dir)
	cmd.Stdin = read
	// A session of its own: a Ctrl-C in the terminal must not end it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return write, cmd.Start()
}

// Janitor waits until the harness has ended, then removes its folder.
func Janitor(dir string) error {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	// The children are being killed by the kernel; one of them may still write for a moment.
	var err error
	for range 20 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
	}
	return err
}
