package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A region is one daemon, in a process of its own.
type region struct {
	name    string
	url     string
	log     string // file
	command *exec.Cmd
	first   chan string   // the first line that it prints
	exited  chan struct{} // closed when the process is gone
}

// startRegion starts the daemon of a config; [region.await] waits until it is ready.
func startRegion(program, dir, name string, config map[string]any, bind func(*exec.Cmd)) (*region, error) {
	text, err := yaml.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("the config of region %s: %w", name, err)
	}
	file := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("the config of region %s: %w", name, err)
	}
	r := &region{name: name, log: filepath.Join(dir, name+".log"), first: make(chan string, 1), exited: make(chan struct{})}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, fmt.Errorf("the log of region %s: %w", name, err)
	}
	r.command = exec.Command(program, "up", "--config", file, "--data", filepath.Join(dir, name)) //nolint:noctx // it is told to stop, and waited for
	r.command.Stderr = log
	if bind != nil {
		bind(r.command)
	}
	stdout, err := r.command.StdoutPipe()
	if err == nil {
		err = r.command.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the daemon of region %s: %w", name, err), log.Close())
	}
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		r.first <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = r.command.Wait() // how it ended is in the log
		_ = log.Close()
		close(r.exited)
	}()
	return r, nil
}

func (r *region) await(ctx context.Context) error {
	select {
	case line := <-r.first:
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			return fmt.Errorf("the daemon of region %s is not ready: %s", r.name, r.lastWords())
		}
		r.url = url
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the daemon of region %s is not ready: %w", r.name, context.Cause(ctx))
	}
}

// lastWords are the last lines of the daemon's log.
func (r *region) lastWords() string {
	text, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	const shown = 5
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}

// stop ends the daemon, and waits until it is gone.
func (r *region) stop() {
	const limit = 20 * time.Second
	_ = r.command.Process.Signal(syscall.SIGTERM) // it may be gone already
	select {
	case <-r.exited:
	case <-time.After(limit):
		_ = r.command.Process.Kill()
		<-r.exited
	}
}

// A refusal is an answer of a daemon that is no success.
type refusal struct {
	region, code, text string
}

func (e *refusal) Error() string { return fmt.Sprintf("%s answers %s: %s", e.region, e.code, e.text) }

// ask sends a request and returns the answer, whose body the caller closes.
func (r *region) ask(ctx context.Context, method, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the request to %s: %w", r.name, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.name, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // nothing is left to learn from it
	var answer api.Error
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("region %s answers %s", r.name, res.Status)
	}
	return nil, &refusal{r.name, answer.Error.Code, answer.Error.Message}
}

// text is ask for a body that fits into memory.
func (r *region) text(ctx context.Context, method, path, body string) (string, http.Header, error) {
	res, err := r.ask(ctx, method, path, body)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = res.Body.Close() }() // nothing is left to learn from it
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", nil, fmt.Errorf("region %s: %w", r.name, err)
	}
	return string(bytes.TrimSpace(answer)), res.Header, nil
}

// get reads an answer in JSON.
func (r *region) get(ctx context.Context, path string, into any) error {
	text, _, err := r.text(ctx, http.MethodGet, path, "")
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("region %s: %s: %w", r.name, path, err)
	}
	return nil
}

// greet calls the capability of the demonstration.
func (r *region) greet(ctx context.Context) (g greeting, servedBy string, err error) {
	text, header, err := r.text(ctx, http.MethodPost, api.CallPath+capability, `{"name": "`+r.name+`"}`)
	if err != nil {
		return g, "", err
	}
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		return g, "", fmt.Errorf("region %s: %w", r.name, err)
	}
	return g, header.Get(api.ServedByHeader), nil
}

func (r *region) put(ctx context.Context, key, value string) error {
	_, _, err := r.text(ctx, http.MethodPut, api.RecordsPath+"/"+key, value)
	return err
}

// value is a record, or "" if it is not there.
func (r *region) value(ctx context.Context, key string) string {
	text, _, err := r.text(ctx, http.MethodGet, api.RecordsPath+"/"+key, "")
	if err != nil {
		return ""
	}
	return text
}

// stream sends a request whose answer is lines of JSON, and hands each on.
func stream[Line any](ctx context.Context, r *region, path string, request any, take func(Line)) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("the request to %s: %w", r.name, err)
	}
	res, err := r.ask(ctx, http.MethodPost, path, string(body))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // nothing is left to learn from it
	for lines := json.NewDecoder(res.Body); ; {
		var line Line
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("region %s: %w", r.name, err)
		}
		take(line)
	}
}
