package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	_ "image/jpeg" // the thumbnail is a JPEG
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

func TestFreshDaemonAnswersLinkedAndFromAPlugin(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	linked, code, message, err := d.call(t.Context(), "process.describe", "")
	if err != nil || code != "" {
		t.Fatal(code, message, err)
	}
	if pid := linked["pid"]; pid != float64(d.pid) {
		t.Errorf("the linked-in capability answered from process %v, the daemon is %d", pid, d.pid)
	}
	hosted, code, message, err := d.call(t.Context(), "text.stats", `{"text": "a b"}`)
	if err != nil || code != "" {
		t.Fatal(code, message, err)
	}
	if hosted["words"] != 2.0 {
		t.Errorf("text.stats answered %v", hosted)
	}
	pid, _ := hosted["pid"].(float64)
	if int(pid) == d.pid {
		t.Error("the plugin has the daemon's own pid")
	}
	d.stop(t)
	if processLives(int(pid)) {
		t.Errorf("the plugin process %v outlived its daemon", pid)
	}
}

// The same function over every protocol of the one port.
func TestProtocols(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	input := []byte(`{"text": "a b"}`)

	conn, err := grpc.NewClient(strings.TrimPrefix(d.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := rosterv1.NewCapabilityServiceClient(conn)
	answer, err := client.Call(t.Context(), &rosterv1.CallRequest{Capability: "text.stats", Input: input})
	if err != nil || !bytes.Contains(answer.GetOutput(), []byte(`"words":2`)) {
		t.Errorf("gRPC: %s %v", answer.GetOutput(), err)
	}
	if kind := answer.GetServedBy().GetKind(); kind != "plugin" {
		t.Errorf("served by kind %q", kind)
	}
	_, err = client.Call(t.Context(), &rosterv1.CallRequest{Capability: "text.stat"})
	if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), `did you mean "text.stats"`) {
		t.Errorf("gRPC for an unknown capability: %v", err)
	}
	list, err := client.List(t.Context(), &rosterv1.ListRequest{})
	if err != nil || len(list.GetCapabilities()) != 2 {
		t.Errorf("gRPC list: %v %v", list, err)
	}
	err = conn.Invoke(t.Context(), "/absent.Service/Method", &rosterv1.ListRequest{}, &rosterv1.ListResponse{})
	if status.Code(err) != codes.NotFound {
		t.Errorf("gRPC for an unknown service: %v", err)
	}

	connect := func(body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/roster.v1.CapabilityService/Call", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var text bytes.Buffer
		if _, err := text.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, text.String()
	}
	code, text := connect(`{"capability": "text.stats", "input": "` + base64.StdEncoding.EncodeToString(input) + `"}`)
	if code != http.StatusOK || !strings.Contains(text, `"output"`) {
		t.Errorf("Connect: %d %s", code, text)
	}
	code, text = connect(`{"capability": "text.stat"}`)
	if code != http.StatusNotFound || !strings.Contains(text, `"code":"not_found"`) {
		t.Errorf("Connect for an unknown capability: %d %s", code, text)
	}
	code, text = connect(`{"capability": "text.stats", "input": "` + base64.StdEncoding.EncodeToString([]byte(`{"txt": 1}`)) + `"}`)
	if code != http.StatusBadRequest || !strings.Contains(text, `"code":"invalid_argument"`) {
		t.Errorf("Connect for bad input: %d %s", code, text)
	}
}

func TestExamplePluginsDoRealWork(t *testing.T) {
	t.Parallel()
	p := buildPrograms(t)
	d := startDaemon(t, "--plugins", p.plugins)
	root := docsRoot(t)

	r := d.roster(t, "call", "markdown.render", "--text", "markdown="+filepath.Join(root, "README.md"))
	var rendered struct{ HTML string }
	if err := json.Unmarshal([]byte(r.stdout), &rendered); err != nil || r.code != 0 {
		t.Fatalf("markdown.render: %v, %+v", err, r)
	}
	for _, part := range []string{"<h1>Roster</h1>", "<table>", `<code class="language-go">`} {
		if !strings.Contains(rendered.HTML, part) {
			t.Errorf("the README as HTML has no %s", part)
		}
	}

	photo := filepath.Join(root, "examples", "thumbnail", "testdata", "photo.jpg")
	small := filepath.Join(t.TempDir(), "small.jpg")
	r = d.roster(t, "call", "image.thumbnail", `{"width": 100}`, "--bytes", "image="+photo, "--save", "image="+small)
	if r.code != 0 {
		t.Fatalf("image.thumbnail: %+v", r)
	}
	before, after := decodeImage(t, photo), decodeImage(t, small)
	if after.Dx() != 100 || after.Dx() >= before.Dx() || after.Dy() != (before.Dy()*100+before.Dx()/2)/before.Dx() {
		t.Errorf("the thumbnail of %v is %v", before, after)
	}
	if fileSize(t, small) >= fileSize(t, photo) {
		t.Errorf("the thumbnail has %d bytes, the photograph %d", fileSize(t, small), fileSize(t, photo))
	}
}

func decodeImage(t *testing.T, path string) image.Rectangle {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	decoded, _, err := image.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return decoded.Bounds()
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Values in /metrics are those of the calls made.
func TestMetricsAgreeWithTheCalls(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	const calls, unknown = 20, 7
	for range calls {
		if _, code, message, err := d.call(t.Context(), "text.stats", `{"text": "a"}`); err != nil || code != "" {
			t.Fatal(code, message, err)
		}
	}
	for range unknown {
		if _, code, _, err := d.call(t.Context(), "text.stat", `{}`); err != nil || code != "not_found" {
			t.Fatal(code, err)
		}
	}
	_, metrics := d.get(t, "/metrics")
	for series, want := range map[string]int{
		`registry_size{registry_name="capabilities"}`:                                               2,
		`registry_size{registry_name="plugins"}`:                                                    1,
		`registry_size{registry_name="linked"}`:                                                     1,
		`registry_register_total{name="builtin",outcome="success",registry_name="plugins"}`:         1,
		`registry_lookup_total{name="text.stats",outcome="hit",registry_name="capabilities"}`:       calls,
		`registry_lookup_total{name="text.stat",outcome="miss",registry_name="capabilities"}`:       unknown,
		`registry_register_total{name="process.describe",outcome="success",registry_name="linked"}`: 1,
	} {
		if got := metric(t, metrics, series); got != want {
			t.Errorf("%s is %d, want %d", series, got, want)
		}
	}
}

func metric(t *testing.T, metrics, series string) int {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Errorf("%s is missing", series)
	return -1
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for path, part := range map[string]string{
		"/":                        "POST /v1/call/{capability}",
		"/healthz":                 `{"ok":true}`,
		"/debug/registry":          `"name": "capabilities"`,
		"/debug/registry/linked":   `"name": "process.describe"`,
		"/v1/capabilities":         `"name":"text.stats"`,
		"/v1/plugins":              `"state":"ready"`,
		"/metrics":                 "go_goroutines",
		"/debug/registry/services": `"lifecycle": "hot"`,
	} {
		if code, body := d.get(t, path); code != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("GET %s: %d, without %s:\n%.500s", path, code, part, body)
		}
	}
	eventually(t, 10*time.Second, "the daemon is ready and announced", func() bool {
		_, body := d.get(t, "/readyz")
		return strings.TrimSpace(body) == `{"ready":true}`
	})
	for path, want := range map[string]int{
		"/absent":                http.StatusNotFound,
		"/debug/registry/linke":  http.StatusNotFound,
		"/v1/call/text.stats":    http.StatusMethodNotAllowed,
		"/v1/capabilities/extra": http.StatusNotFound,
	} {
		if code, body := d.get(t, path); code != want || !strings.HasPrefix(body, "{") {
			t.Errorf("GET %s: %d %q, want %d as JSON", path, code, body, want)
		}
	}
	for body, want := range map[string]string{
		`{"text"`:              "invalid_argument",
		`{"text": 1} {}`:       "invalid_argument",
		`not json`:             "invalid_argument",
		`{"text": {"a": "b"}}`: "invalid_argument",
		`[]`:                   "invalid_argument",
	} {
		if _, code, message, err := d.call(t.Context(), "text.stats", body); code != want || err != nil || strings.Contains(message, "\n") {
			t.Errorf("input %s: code %q, message %q, %v", body, code, message, err)
		}
	}
	huge := `{"text": "` + strings.Repeat("x", 33<<20) + `"}`
	if _, code, message, err := d.call(t.Context(), "text.stats", huge); code != "resource_exhausted" || err != nil {
		t.Errorf("33 MiB of input: code %q, message %.200q, %v", code, message, err)
	}
	// Larger than what gRPC accepts by default, smaller than our limit.
	large := `{"text": "` + strings.Repeat("x", 20<<20) + `"}`
	if out, code, message, err := d.call(t.Context(), "text.stats", large); code != "" || err != nil || out["bytes"] != float64(20<<20) {
		t.Errorf("20 MiB of input: code %q, message %.200q, %v", code, message, err)
	}
}

// A web page that the user happens to visit must not reach the daemon.
func TestBrowsersOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	for name, change := range map[string]func(*http.Request){
		"cross-site fetch": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another origin":   func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		"DNS rebinding":    func(r *http.Request) { r.Host = "evil.example:7070" },
	} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, d.url+"/v1/call/process.describe", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		want := http.StatusForbidden
		if name == "DNS rebinding" {
			want = http.StatusMisdirectedRequest
		}
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", name, res.StatusCode, want)
		}
	}
}
