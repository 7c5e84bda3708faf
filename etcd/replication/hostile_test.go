package replication_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd/replication"
)

// A caller pushes by hand what a test wants, with a certificate of a region.
type caller struct {
	t      *testing.T
	client *http.Client
	url    string
	to     *io.PipeWriter
	from   *bufio.Scanner
}

func call(t *testing.T, config *tls.Config, address, feed string) *caller {
	t.Helper()
	if config != nil {
		config = config.Clone()
		config.InsecureSkipVerify = true
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: config, Protocols: &protocols, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t: t, client: &http.Client{Transport: transport}, url: "https://" + address + "/replication/v1/" + feed}
}

// open says the first line, and returns the answer.
func (c *caller) open(lines ...string) (map[string]json.RawMessage, error) {
	c.t.Helper()
	body, to := io.Pipe()
	c.t.Cleanup(func() { to.Close() })
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	c.t.Cleanup(cancel)
	request := must(http.NewRequestWithContext(ctx, http.MethodPost, c.url, body))(c.t)
	go func() {
		for _, line := range lines {
			if _, err := io.WriteString(to, line+"\n"); err != nil {
				return
			}
		}
	}()
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { response.Body.Close() })
	c.to, c.from = to, bufio.NewScanner(response.Body)
	c.from.Buffer(nil, 16<<20)
	return c.next()
}

// next is the next answer that is not a probe.
func (c *caller) next() (map[string]json.RawMessage, error) {
	for c.from.Scan() {
		var answer map[string]json.RawMessage
		if err := json.Unmarshal(c.from.Bytes(), &answer); err != nil {
			return nil, err
		}
		if _, probe := answer["probe"]; !probe {
			return answer, nil
		}
	}
	return nil, errors.Join(io.EOF, c.from.Err())
}

func (c *caller) send(line string) { _, _ = io.WriteString(c.to, line+"\n") } // refused ones are cut off

func code(answer map[string]json.RawMessage) string {
	var refusal replication.Refusal
	_ = json.Unmarshal(answer["refusal"], &refusal)
	return refusal.Code
}

func helloOf(region string) string {
	return fmt.Sprintf(`{"hello":{"from":%q,"region":{"name":%q},"cluster":"c","session":"s","term":1,"head":100}}`, region, region)
}

// What a peer may not do is refused, changes nothing, and disturbs nobody.
func TestHostilePeers(t *testing.T) { //nolint:tparallel // the cases look at the same region one after the other
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.ca = newAuthority(t)
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	eu.put("app/a", "1")
	w.converge("eu", "us")
	entry := func(key, dot string) string {
		return fmt.Sprintf(`{"k":%q,"e":{"key":%q,"writes":[{"dot":{"region":%q,"count":5},"time":1,"value":"eA=="}],"context":{%q:5}}}`, key, key, dot, dot)
	}

	t.Run("another authority", func(t *testing.T) {
		if _, err := call(t, newAuthority(t).config(t, "us"), eu.port, "records").open(helloOf("us")); err == nil {
			t.Error("it was let in")
		}
	})
	t.Run("no certificate", func(t *testing.T) {
		if _, err := call(t, &tls.Config{MinVersion: tls.VersionTLS13}, eu.port, "records").open(helloOf("us")); err == nil {
			t.Error("it was let in")
		}
	})
	t.Run("as another region", func(t *testing.T) {
		answer := must(call(t, w.ca.config(t, "ap"), eu.port, "records").open(helloOf("us")))(t)
		if code(answer) != replication.RefusedName {
			t.Errorf("the answer is %s", answer)
		}
	})
	t.Run("as the region itself", func(t *testing.T) {
		answer := must(call(t, w.ca.config(t, "eu"), eu.port, "records").open(helloOf("eu")))(t)
		if code(answer) != replication.RefusedName {
			t.Errorf("the answer is %s", answer)
		}
	})
	t.Run("garbage", func(t *testing.T) {
		answer := must(call(t, w.ca.config(t, "ap"), eu.port, "records").open("GET / HTTP/1.1"))(t)
		if code(answer) != replication.RefusedData {
			t.Errorf("the answer is %s", answer)
		}
	})
	many := make([]string, 300)
	for i := range many {
		many[i] = entry(fmt.Sprintf("bad/k%d", i), "ap")
	}
	for name, line := range map[string]string{
		"garbage later":            "\x00\xff",
		"too many":                 `{"items":[` + strings.Join(many, ",") + `],"to":5}`,
		"too long":                 `{"items":[{"k":"` + strings.Repeat("x", 17<<20) + `"}],"to":5}`,
		"no entry":                 `{"items":[{"k":"bad/a","e":{"key":"bad/b"}}],"to":5}`,
		"a dot out of thin air":    `{"items":[{"k":"bad/a","e":{"key":"bad/a","writes":[{"dot":{"region":"ap","count":7},"time":1,"value":"eA=="}],"context":{"ap":5}}}],"to":5}`,
		"writes of this region":    `{"items":[{"k":"bad/a","e":{"key":"bad/a","context":{"eu":9007199254740991}}}],"to":5}`,
		"the end of another":       `{"synced":{"epoch":"never begun"},"to":7}`,
		"a digest of a few":        `{"digest":{"id":1,"buckets":[]}}`,
		"going back":               `{"items":[` + entry("bad/a", "ap") + `],"to":-3}`,
		"a key that none is":       `{"items":[{"k":"bad","e":{"key":"bad"}}],"to":5}`,
		"counts that are too high": `{"beat":{"known":{"ap":18446744073709551615}},"to":5}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := call(t, w.ca.config(t, "ap"), eu.port, "records")
			if answer := must(c.open(helloOf("ap")))(t); answer["welcome"] == nil {
				t.Fatalf("the answer is %s", answer)
			}
			go c.send(line)
			if answer, err := c.next(); err != nil || code(answer) != replication.RefusedData {
				t.Errorf("the answer is %s, %v", answer, err)
			}
		})
	}
	t.Run("instances elsewhere", func(t *testing.T) {
		for _, key := range []string{"../../x", "a/b/c", "a", "/", "a/"} {
			c := call(t, w.ca.config(t, "ap"), eu.port, "instances")
			must(c.open(helloOf("ap")))(t)
			c.send(fmt.Sprintf(`{"items":[{"k":%q,"v":"eA=="}],"to":5}`, key))
			if answer, err := c.next(); err != nil || code(answer) != replication.RefusedData {
				t.Errorf("%q: the answer is %s, %v", key, answer, err)
			}
		}
	})
	t.Run("other paths", func(t *testing.T) {
		c := call(t, w.ca.config(t, "ap"), eu.port, "secrets")
		response, err := c.client.Post(c.url, "text/plain", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Error(response.Status)
		}
	})
	if got := len(eu.store.List("bad")); got != 0 {
		t.Errorf("%d bad records were taken in", got)
	}
	if eu.origin("ap").Refused == 0 {
		t.Error("nothing is counted")
	}
	us.put("app/b", "2")
	eventually(t, "the others go on", func() bool { return eu.get("app/b") == "2" })
	if !eu.origin("us").Connected || !us.peer("eu").Connected {
		t.Error("the link of us suffered")
	}
	if _, err := replication.NewAgent(eu.store, replication.AgentOptions{Listen: "127.0.0.1:0", TLS: w.ca.config(t, "us")}); err == nil {
		t.Error("an agent with the certificate of another region was made")
	}
	if _, err := replication.NewAgent(eu.store, replication.AgentOptions{Listen: "0.0.0.0:0"}); err == nil {
		t.Error("an agent without TLS off the loopback interface was made")
	}
}

// What is delivered twice, or was stored without being acknowledged, changes nothing.
func TestDuplicateDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu")
	w.ca = newAuthority(t)
	eu := w.regions["eu"]
	eu.startAgent()
	eventually(t, "the agent leads", func() bool { return eu.agent.Status().Leader })
	line := `{"items":[{"k":"app/a","e":{"key":"app/a","writes":[{"dot":{"region":"ap","count":5},"time":1,"value":"eA=="}],"context":{"ap":5}}}],"to":50}`
	for n := range 3 {
		c := call(t, w.ca.config(t, "ap"), eu.port, "records")
		answer := must(c.open(helloOf("ap")))(t)
		var welcome struct {
			Cursor struct{ Revision int64 }
			Full   bool
		}
		must(0, json.Unmarshal(answer["welcome"], &welcome))(t)
		if n > 0 && (welcome.Cursor.Revision != 50 || welcome.Full) {
			t.Errorf("connection %d: %s", n, answer["welcome"])
		}
		for range 2 {
			c.send(line)
			if answer := must(c.next())(t); string(answer["ack"]) != "50" {
				t.Errorf("the answer is %s", answer)
			}
		}
		eventually(t, "it is there", func() bool { return eu.get("app/a") == "x" })
		c.to.CloseWithError(errors.New("crash"))
	}
	record, _ := eu.store.Get("app/a")
	got := must(eu.client.Get(t.Context(), "replica/records/app/a"))(t)
	if got.Kvs[0].GetVersion() != 1 || record.Version != got.Kvs[0].GetModRevision() {
		t.Errorf("it was written %d times", got.Kvs[0].GetVersion())
	}
	if applied := eu.origin("ap").Applied; applied != 1 {
		t.Errorf("%d keys were changed by it", applied)
	}
}

// Another daemon of the region takes over when the one that leads dies or leaves.
func TestTakeover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	w.meet("eu", "us")
	eu, us := w.regions["eu"], w.regions["us"]
	second := freeAddress(t, "127.0.1.9")
	opts := eu.options()
	opts.Listen = second
	deputy := must(replication.NewAgent(eu.store, opts))(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- deputy.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	must(0, us.store.Regions().Add(t.Context(), replication.Region{Name: "eu", Replication: []string{eu.port, second}}))(t)
	eu.put("app/a", "1")
	eventually(t, "it arrives", func() bool { return us.get("app/a") == "1" })
	if deputy.Status().Leader {
		t.Fatal("two lead")
	}
	eu.crashAgent()
	us.put("app/b", "while nobody leads")
	eu.put("app/c", "while nobody leads")
	eventually(t, "the other one leads", func() bool { return deputy.Status().Leader })
	eventually(t, "it goes on where the first was", func() bool { return eu.get("app/b") != "(none)" && us.get("app/c") != "(none)" })
	w.converge("eu", "us")
}

// A read with a bound is refused while the region may be further behind than that, and says
// behind whom.
func TestBoundedStaleness(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us", "ap")
	w.meet("eu", "us", "ap")
	us := w.regions["us"]
	const bound = 2 * time.Second
	fresh := func() bool { _, err := us.store.Fresh(bound); return err == nil }
	eventually(t, "us is fresh", fresh)
	w.regions["eu"].put("app/a", "1")
	eventually(t, "the record is read", func() bool {
		view, err := us.store.Fresh(bound)
		if err != nil {
			return false
		}
		record, ok := view.Get("app/a")
		return ok && string(record.Value) == "1"
	})
	w.link("eu", "us").setHold(true)
	eventually(t, "reads are refused", func() bool { return !fresh() })
	_, err := us.store.Fresh(bound)
	var stale *replication.StaleError
	if !errors.As(err, &stale) || stale.Region != "eu" || stale.Staleness <= bound || !errors.Is(err, replication.ErrStale) {
		t.Errorf("the error is %v", err)
	}
	if _, ok := us.store.Get("app/a"); !ok {
		t.Error("a read without a bound fails")
	}
	eventually(t, "the age of the heartbeat grows", func() bool { return us.origin("eu").HeartbeatAge > time.Second })
	eventually(t, "the lag grows at the source", func() bool { return w.regions["eu"].peer("us").Lag > time.Second })
	w.link("eu", "us").setHold(false)
	eventually(t, "us is fresh again", fresh)
	us.stopAgent()
	eventually(t, "without an agent nothing is known", func() bool { return !fresh() })
	us.startAgent()
	eventually(t, "us is fresh again", fresh)
	us.stopEtcd()
	eventually(t, "without its etcd neither", func() bool { return !fresh() })
	us.startEtcd()
	eventually(t, "us is fresh at last", fresh)
}

// An agent that listens on all addresses has to say which of them its peers are to use.
func TestWildcardIsNotAdvertised(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu")
	w.ca = newAuthority(t)
	opts := replication.AgentOptions{Listen: "0.0.0.0:0", TLS: w.ca.config(t, "eu")}
	if _, err := replication.NewAgent(w.regions["eu"].store, opts); err == nil || !strings.Contains(err.Error(), "Advertise") {
		t.Error(err)
	}
}
