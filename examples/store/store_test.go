package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/examples/store/kv"
	"github.com/roster-go/roster/factory"
)

// Every store does what the contract says, and says what is wrong with its config.
func TestStores(t *testing.T) {
	memory := "memory:?max_keys=2"
	file := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "notes.json"))
	for _, config := range []string{memory, file, fmt.Sprintf(`{"type": "file", "path": %q}`, filepath.Join(t.TempDir(), "n.json"))} {
		conforms(t, config)
	}
	for config, want := range map[string]string{
		"memory:?max_keys=0":                  `config of "memory": max_keys is 0, and must be at least 1`,
		"memory:?maxkeys=2":                   "maxkeys: there is no such field; did you mean max_keys?",
		"file:?path=" + t.TempDir():           "is a directory",
		"file:/no/such/folder/notes.json":     "no such file or directory",
		"file:":                               "path: it is required, and missing",
		"rediss://h:1":                        `did you mean "redis"`,
		"redis://:hunter2@h:1/x":              "db: an integer from 0 to 255 is wanted, and another text is there",
		`{"type": "redis", "timeout": 5}`:     "timeout (line 1, column 30): a duration",
		`{"type": "redis", "password": true}`: "password (line 1, column 31): a text is wanted",
	} {
		_, err := open(t.Context(), config)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", config, err, want)
		}
	}
}

func conforms(t *testing.T, config string) {
	t.Helper()
	ctx := t.Context()
	store, err := open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	want := func(key, value string, there bool) {
		t.Helper()
		got, ok, err := store.Get(ctx, key)
		if err != nil || got != value || ok != there {
			t.Fatalf("%s: %s is %q, %v, %v; want %q", config, key, got, ok, err, value)
		}
	}
	want("ü", "", false)
	for _, value := range []string{"1", "", "zwei\x00\n"} {
		if err := store.Set(ctx, "ü", value); err != nil {
			t.Fatal(err)
		}
		want("ü", value, true)
	}
	for range 2 {
		if err := store.Delete(ctx, "ü"); err != nil {
			t.Fatal(err)
		}
		want("ü", "", false)
	}
}

func TestAFileKeepsWhatItHas(t *testing.T) {
	config := "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "notes.json"))
	var out strings.Builder
	for _, args := range [][]string{{config, "set", "a", "1"}, {config, "set", "b", "2"}, {config, "delete", "a"}, {config, "get", "b"}} {
		if err := run(t.Context(), args, &out); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t.Context(), []string{config, "get", "a"}, &out); err == nil || out.String() != "2\n" {
		t.Fatalf("got %q, %v", out.String(), err)
	}
	if err := run(t.Context(), []string{"describe"}, &out); err != nil || !strings.Contains(out.String(), "password   a text\n") {
		t.Fatalf("got %q, %v", out.String(), err)
	}
}

func TestRedis(t *testing.T) {
	server := startRedis(t, "s3cret")
	url := "redis://:s3cret@" + server.address + "/3?prefix=test:&timeout=5s"
	conforms(t, url)
	conforms(t, fmt.Sprintf(`{"type": "redis", "address": %q, "password": "s3cret"}`, server.address))

	// Databases and prefixes keep keys apart.
	var out strings.Builder
	if err := run(t.Context(), []string{url, "set", "k", "v"}, &out); err != nil {
		t.Fatal(err)
	}
	raw := "redis://:s3cret@" + server.address + "/3"
	if err := run(t.Context(), []string{raw, "get", "test:k"}, &out); err != nil || out.String() != "v\n" {
		t.Fatalf("got %q, %v", out.String(), err)
	}
	if err := run(t.Context(), []string{"redis://:s3cret@" + server.address + "/4", "get", "test:k"}, &out); err == nil {
		t.Fatal("the key is in another database, too")
	}

	_, err := open(t.Context(), "redis://:hunter2@"+server.address)
	failed, ok := errors.AsType[*factory.BuildError](err)
	if !ok || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "hunter2") || failed.Name != "redis" {
		t.Fatalf("a wrong password: got %v", err)
	}

	store, err := open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	server.stop()
	if _, _, err := store.Get(t.Context(), "k"); err == nil {
		t.Fatal("a server that is gone answers")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err = open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("a server that is gone: got %v", err)
	}
}

// A server that accepts connections and says nothing is given up in time.
func TestRedisThatSaysNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	_, err = open(t.Context(), "redis://"+silent.Addr().String()+"?timeout=50ms")
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() {
		t.Fatalf("got %v, want a timeout", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = open(ctx, "redis://"+silent.Addr().String()+"?timeout=1h"); err == nil {
		t.Fatal("the context of the caller is not kept")
	}
}

// Who registered a store can be asked, and two of one name are a clash.
func TestStoresHaveProvenance(t *testing.T) {
	for entry := range kv.Stores.Entries() {
		if !strings.HasSuffix(entry.Registered.Package, "examples/store/"+entry.Name) {
			t.Errorf("%s is registered at %s", entry.Name, entry.Registered)
		}
	}
	again := factory.Of(func(context.Context, struct{}) (kv.Store, error) { return nil, nil })
	if err := kv.Stores.TryRegister("redis", again); !errors.Is(err, roster.ErrDuplicate) {
		t.Fatalf("got %v", err)
	}
}

type redisServer struct {
	address string
	stop    func()
}

// startRedis runs a server of this test's own, which keeps nothing.
func startRedis(t *testing.T, password string) redisServer {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is missing; on Debian: apt-get install redis-server")
		}
		t.Skip("redis-server is missing, and this test needs a real one; on Debian: apt-get install redis-server")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no",
		"--requirepass", password, "--dir", t.TempDir())
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ready := make(chan bool, 1)
	go func() {
		defer close(done)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Ready to accept connections") {
				ready <- true
			}
		}
		close(ready)
		_ = cmd.Wait()
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-done
	}
	t.Cleanup(stop)
	select {
	case ok := <-ready:
		if !ok {
			t.Fatal("redis-server ended before it was ready")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("redis-server is not ready after 30 s")
	}
	return redisServer{address, stop}
}
