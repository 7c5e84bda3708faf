package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/embedded"
)

const patience = 20 * time.Second

func start(t *testing.T, config embedded.Config) *embedded.Server {
	t.Helper()
	config.Fast = true
	if config.ClientListen == "" {
		config.ClientListen = "127.0.0.1:0"
	}
	server, err := embedded.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *embedded.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		t.Error(err)
	}
}

func client(t *testing.T, server *embedded.Server) *clientv3.Client {
	t.Helper()
	c, err := server.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return c
}

func TestDataSurvivesARestartOnTheSameDirAndPort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "made", "on", "demand")
	first := start(t, embedded.Config{Dir: dir})
	if _, err := client(t, first).Put(ctx, "k", "v"); err != nil {
		t.Fatal(err)
	}
	stop(t, first)

	address := strings.TrimPrefix(first.Endpoint(), "http://")
	second := start(t, embedded.Config{Dir: dir, ClientListen: address})
	if second.Endpoint() != first.Endpoint() {
		t.Fatalf("endpoint is %s, was %s", second.Endpoint(), first.Endpoint())
	}
	got, err := client(t, second).Get(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].GetValue()) != "v" {
		t.Fatalf("got %v, want what was put before the restart", got.Kvs)
	}
	members, err := client(t, second).MemberList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if urls := members.Members[0].GetClientURLs(); len(urls) != 1 || urls[0] != second.Endpoint() {
		t.Fatalf("the member names %q as its client URLs, want %q", urls, second.Endpoint())
	}
}

func TestARestartMayTakeAnotherPort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	stop(t, start(t, embedded.Config{Dir: dir}))
	if _, err := client(t, start(t, embedded.Config{Dir: dir})).Put(ctx, "k", "v"); err != nil {
		t.Fatal(err)
	}
}

// etcd alone would wait seven seconds for the watch to end.
func TestCloseBreaksOffOpenStreams(t *testing.T) {
	server := start(t, embedded.Config{Dir: t.TempDir()})
	c := client(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	created := c.Watch(ctx, "k", clientv3.WithCreatedNotify())
	if response, open := <-created; !open || response.Err() != nil {
		t.Fatalf("the watch does not run: %v", response.Err())
	}
	limit, cancelLimit := context.WithTimeout(ctx, 4*time.Second)
	defer cancelLimit()
	if err := server.Close(limit); err != nil {
		t.Fatalf("closing with an open watch: %v", err)
	}
}

func TestCloseIsBoundedAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	server := start(t, embedded.Config{Dir: dir})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var timeout *embedded.TimeoutError
	if err := server.Close(ended); err != nil && !errors.As(err, &timeout) {
		t.Fatalf("got %v, want nil or a *TimeoutError", err)
	}
	stop(t, server) // the second call awaits what the first one began
	start(t, embedded.Config{Dir: dir})
}

func TestCloseConcurrentSafe(t *testing.T) {
	server := start(t, embedded.Config{Dir: t.TempDir()})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { stop(t, server) })
	}
	wg.Wait()
}

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct{ address, want string }{
		{taken.Addr().String(), "already in use"},
		{"0.0.0.0:7071", "not a loopback address"},
		{":7071", "no IP address"},
		{"192.0.2.1:7071", "not a loopback address"},
		{"[::]:7071", "not a loopback address"},
		{"example.com:7071", "no IP address"},
		{"127.0.0.1", "not host:port"},
		{"127.0.0.1:http", "no port"},
		{"127.0.0.1:70710", "no port"},
		{"127.0.0.1:-1", "no port"},
	} {
		t.Run(test.address, func(t *testing.T) {
			dir := t.TempDir()
			_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClientListen: test.address})
			var listen *embedded.ListenError
			if !errors.As(err, &listen) || listen.Address != test.address {
				t.Fatalf("got %v, want a *ListenError for %q", err, test.address)
			}
			checkText(t, err, test.address, test.want, "choose another")
			start(t, embedded.Config{Dir: dir}) // the failure left no lock
		})
	}
}

func TestDirErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, filepath.Join(file, "below"), "/proc/roster"} {
		t.Run(dir, func(t *testing.T) {
			_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0"})
			var failure *embedded.DirError
			if !errors.As(err, &failure) || failure.Dir != dir {
				t.Fatalf("got %v, want a *DirError for %q", err, dir)
			}
			checkText(t, err, dir, "choose another directory")
		})
	}
}

func TestTwoServersOnOneDir(t *testing.T) {
	dir := t.TempDir()
	start(t, embedded.Config{Dir: dir})
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	var locked *embedded.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, embedded.ErrLocked) || locked.PID != os.Getpid() {
		t.Fatalf("got %v, want a *LockedError that names process %d", err, os.Getpid())
	}
	checkText(t, err, dir, "in use by process")
}

const ownerDir = "ROSTER_TEST_OWNER_DIR"

// The lock of a process that was killed is gone, and its file is in nobody's way.
func TestLockOfAnotherProcess(t *testing.T) {
	if dir := os.Getenv(ownerDir); dir != "" {
		start(t, embedded.Config{Dir: dir})
		os.Stdout.WriteString("ready\n")
		select {}
	}
	dir := t.TempDir()
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockOfAnotherProcess$")
	owner.Env = append(os.Environ(), ownerDir+"="+dir)
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Read(make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Start(t.Context(), embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	var locked *embedded.LockedError
	if !errors.As(err, &locked) || locked.PID != owner.Process.Pid {
		t.Errorf("got %v, want a *LockedError that names process %d", err, owner.Process.Pid)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // killed, which is what it reports
	start(t, embedded.Config{Dir: dir})
}

func TestDamagedData(t *testing.T) {
	dir := t.TempDir()
	stop(t, start(t, embedded.Config{Dir: dir}))
	logs, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no log to damage: %v %v", logs, err)
	}
	for _, path := range logs {
		if err := os.WriteFile(path, bytes.Repeat([]byte("damaged!"), 512), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = embedded.Start(t.Context(), embedded.Config{Dir: dir, ClientListen: "127.0.0.1:0", Fast: true})
	var data *embedded.DataError
	if !errors.As(err, &data) || data.Dir != dir {
		t.Fatalf("got %v, want a *DataError for %q", err, dir)
	}
	checkText(t, err, dir, "move it away")
}

func TestStartHeedsItsContext(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := embedded.Start(ended, embedded.Config{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
}

// What a web page could make a browser send.
func TestBrowsersAreRefused(t *testing.T) {
	server := start(t, embedded.Config{Dir: t.TempDir()})
	send := func(method, path, host, body string) (status int, header http.Header) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.Endpoint()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Origin", "http://evil.example")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header
	}
	status, header := send(http.MethodGet, "/version", "", "")
	if status != http.StatusOK {
		t.Errorf("GET /version on the endpoint got %d, want it served", status)
	}
	if allowed := header.Get("Access-Control-Allow-Origin"); allowed != "" {
		t.Errorf("a foreign origin is allowed: %q", allowed)
	}
	if status, _ := send(http.MethodGet, "/version", "evil.example", ""); status < http.StatusBadRequest {
		t.Errorf("a foreign host name got %d", status)
	}
	if status, _ := send(http.MethodPost, "/v3/kv/put", "", `{"key":"aw==","value":"dg=="}`); status != http.StatusNotFound {
		t.Errorf("the JSON gateway answered %d", status)
	}
}

func TestLogsArriveAtDebugLevel(t *testing.T) {
	var output bytes.Buffer
	log := slog.New(slog.NewTextHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug}))
	stop(t, start(t, embedded.Config{Dir: t.TempDir(), Logger: log}))
	text := output.String()
	if !strings.Contains(text, "level=DEBUG") || !strings.Contains(text, "etcd: ") {
		t.Errorf("etcd's log did not arrive: %s", text)
	}
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "level=DEBUG") {
			t.Errorf("a healthy life of etcd is logged above debug level: %s", line)
		}
	}
}

func checkText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("%q has more than one line", err)
	}
}
