package kill

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

// TestRolesOfCertificates: each role may do what it is for, and a runtime cannot kill.
func TestRolesOfCertificates(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	hub := Peer{Region: "eu", Addresses: []string{f.hubs["eu"].address}}
	stranger := newAuthority(t)
	for _, tt := range []struct {
		who   string
		tls   *tls.Config
		may   []string
		fails string
	}{
		{who: "runtime", tls: f.ca.config(t, "roster://runtime/orders"), may: []string{pathRuntime, pathHash}},
		{who: "hub", tls: f.ca.config(t, "roster://hub/us"), may: []string{pathForward, pathGossip, pathOrders, pathCount, pathStatus, pathHash}},
		{who: "operator", tls: f.ca.config(t, "roster://operator/alice"), may: []string{pathKill, pathStatus, pathForget, pathHash}},
		{who: "nobody", tls: f.ca.config(t)},
		{
			who: "two at once", tls: f.ca.config(t, "roster://operator/alice", "roster://runtime/orders", "roster://region/eu"),
			may: []string{pathRuntime, pathHash, pathKill, pathStatus, pathForget},
		},
		{who: "one role twice", tls: f.ca.config(t, "roster://operator/alice", "roster://operator/bob")},
		{who: "unknown", tls: f.ca.config(t, "roster://king/alice")},
		{who: "nameless", tls: f.ca.config(t, "roster://operator/")},
		{who: "stranger", tls: &tls.Config{Certificates: stranger.config(t, "roster://operator/eve").Certificates, RootCAs: f.ca.pool}},
		{who: "anonymous", tls: &tls.Config{RootCAs: f.ca.pool}},
	} {
		for _, path := range []string{pathRuntime, pathForward, pathGossip, pathOrders, pathCount, pathKill, pathStatus, pathForget, pathHash} {
			line := newLine(hub, tt.tls)
			s, err := line.open(background(t), path, message{})
			allowed := false
			for _, may := range tt.may {
				allowed = allowed || may == path
			}
			if (err == nil) != allowed {
				t.Errorf("%s at %s: %v", tt.who, path, err)
			}
			if err == nil {
				s.close()
			}
			line.close()
		}
	}
	assert.Equal(t, f.hubs["eu"].sw.Set().Len(), 0)
}

// TestRuntimeSpeaksForItself: a certificate of one runtime does not acknowledge for another, and a runtime
// takes no orders from anything but a hub of the region that it meant.
func TestRuntimeSpeaksForItself(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	hub := Peer{Region: "eu", Addresses: []string{f.hubs["eu"].address}}
	for id, ok := range map[string]bool{"orders": true, "orders/host-1": true, "orders2": false, "billing": false} {
		line := newLine(hub, f.ca.config(t, "roster://runtime/orders"))
		s, err := line.open(background(t), pathRuntime, message{Hello: &hello{ID: id, Boot: "1"}})
		assert.NoError(t, err)
		_, err = s.receive()
		if (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
		s.close()
		line.close()
	}
	for _, wrong := range []string{"roster://runtime/orders", "roster://hub/us"} {
		impostor := &Hub{options: HubOptions{TLS: f.ca.config(t, wrong)}}
		listener := tls.NewListener(listen(t, "127.0.1.1:0"), serverTLS(impostor.options.TLS))
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.(*tls.Conn).Handshake()
				conn.Close()
			}
		}()
		line := newLine(Peer{Region: "eu", Addresses: []string{listener.Addr().String()}}, f.ca.config(t, "roster://runtime/orders"))
		_, err := line.open(background(t), pathRuntime, message{Hello: &hello{ID: "orders"}})
		assert.ErrorAs[*IdentityError](t, err)
		listener.Close()
		line.close()
	}
}

// TestServeOfAClosedHub: whoever closes a hub before its Serve has begun gets what the doc comment says,
// and the address back.
func TestServeOfAClosedHub(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	hub, err := OpenHub(s, HubOptions{Region: "eu", Canary: -1})
	assert.NoError(t, err)
	assert.NoError(t, hub.Close())
	listener := listen(t, "127.0.0.1:0")
	assert.NoError(t, hub.Serve(listener))
	assert.NoError(t, listen(t, listener.Addr().String()).Close())
	assert.NoError(t, s.Close())
}

// TestPlainHubOnLoopback: without TLS a hub serves this machine over HTTP/2, and no browser.
func TestPlainHubOnLoopback(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	hub, err := OpenHub(s, HubOptions{Region: "eu", Canary: -1})
	assert.NoError(t, err)
	listener := listen(t, "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- hub.Serve(listener) }()
	address := listener.Addr().String()
	defer func() {
		assert.NoError(t, hub.Close())
		assert.NoError(t, <-served)
	}()
	client, err := NewClient(Peer{Region: "eu", Addresses: []string{address}}, nil)
	assert.NoError(t, err)
	defer client.Close()
	report, err := client.Kill(background(t), Request{Target: Namespace("a"), Reason: "r", By: "alice"}, nil)
	assert.NoError(t, err)
	assert.True(t, report.Complete && !report.Durable, "nothing is kept")
	assert.Equal(t, report.Order.By, "alice")

	for name, spoil := range map[string]func(*http.Request){
		"origin":  func(r *http.Request) { r.Header.Set("Origin", "http://"+address) },
		"fetch":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") },
		"rebound": func(r *http.Request) { r.Host = "evil.example:80" },
	} {
		request, err := http.NewRequestWithContext(background(t), http.MethodPost, "http://"+address+pathKill,
			strings.NewReader(string(message{Request: &Request{Target: Namespace("b"), Reason: "r", Force: true}}.line())))
		assert.NoError(t, err)
		spoil(request)
		response, err := client.line.client.Do(request)
		assert.NoError(t, err)
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s %s", name, response.Status, text)
		}
	}
	// What browsers speak on a plain connection is not understood at all.
	old := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	if response, err := old.Post("http://"+address+pathKill, "text/plain", strings.NewReader("{}")); err == nil {
		response.Body.Close()
		assert.True(t, response.StatusCode >= 400, "HTTP/1.1 is refused")
	}
	assert.Equal(t, s.Set().Len(), 1)
}

// TestMessagesWithoutATarget: what is missing from a message ends the exchange, and not the process.
func TestMessagesWithoutATarget(t *testing.T) {
	f := newFabric(t, 0, nil, "eu")
	r := f.runtime("one", "eu", nil)
	r.awaitCurrent(t)
	peer := Peer{Region: "eu", Addresses: []string{f.hubs["eu"].address}}
	l := newLine(peer, f.ca.config(t, "roster://hub/us"))
	defer l.close()
	response, err := l.client.Post("https://"+f.hubs["eu"].address+pathCount, "", strings.NewReader(`{"count":{}}`+"\n"))
	assert.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	assert.NoError(t, response.Body.Close())
	assert.True(t, strings.Contains(string(text), "is no target"), "it says what is wrong: "+string(text))

	c, err := NewClient(peer, f.ca.config(t, "roster://operator/ann"))
	assert.NoError(t, err)
	defer c.Close()
	_, err = c.Kill(background(t), Request{Reason: "r"}, nil)
	assert.ErrorAs[*TargetError](t, err)
	assert.True(t, r.Status().Current, "the runtime is connected")
}
