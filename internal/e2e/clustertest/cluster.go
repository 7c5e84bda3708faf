package clustertest

import (
	"context"
	"crypto/rand"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// startLimit bounds how long the members may take to be a cluster, on a busy machine.
	startLimit = time.Minute

	// requestLimit bounds a request of the harness itself.
	requestLimit = 10 * time.Second

	// statusLimit bounds how long a member may take to say how it is.
	statusLimit = 2 * time.Second

	// pollPause is the time between two looks at a state that is awaited.
	pollPause = 20 * time.Millisecond
)

// maxMembers is how many addresses there are for peers to advertise; etcd itself advises
// seven members at most.
const maxMembers = 250

// A Cluster is a running etcd cluster. Members are numbered from 0.
type Cluster struct {
	t       testing.TB
	token   string   // makes the ids of this cluster and its members its own
	flags   []string // of every member
	members []*member
	peers   map[pair]*Link
}

// A pair of members, by number: the one that dials and the one that is dialled.
type pair struct{ from, to int }

// An Option changes how the members of a cluster run.
type Option func(*Cluster)

// Fast lets members answer before what they wrote is on the disk. A killed process loses
// nothing by it, a machine without power does.
func Fast() Option {
	return Flags("--unsafe-no-fsync")
}

// Flags adds flags of etcd to those of every member.
func Flags(flags ...string) Option {
	return func(c *Cluster) { c.flags = append(c.flags, flags...) }
}

// Start runs a cluster of n members and waits until it is healthy. The cluster ends with
// the test.
func Start(tb testing.TB, n int, opts ...Option) *Cluster {
	tb.Helper()
	if n < 1 || n > maxMembers {
		tb.Fatalf("a cluster of %d members: there must be 1 to %d", n, maxMembers)
	}
	c := &Cluster{t: tb, token: rand.Text(), peers: make(map[pair]*Link)}
	for _, opt := range opts {
		opt(c)
	}
	dir := tb.TempDir()
	for k := range n {
		c.members = append(c.members, newMember(tb, dir, k))
	}
	for from, dialling := range c.members {
		for to, dialled := range c.members {
			if from == to {
				continue
			}
			link := newLink(dialling.gateway.address, dialled.peerAt)
			dialling.gateway.lead(advertisedPeer(to), link)
			c.peers[pair{from, to}] = link
			tb.Cleanup(link.close)
		}
	}
	tb.Cleanup(c.end)
	for k := range c.members {
		c.Restart(k)
	}
	c.awaitStart()
	return c
}

// end kills all members, and shows what they logged if the test failed.
func (c *Cluster) end() {
	c.t.Helper()
	c.endMembers(syscall.SIGKILL)
	if !c.t.Failed() {
		return
	}
	for _, m := range c.members {
		c.t.Logf("log of %s:\n%s", m.name, m.log.tail())
	}
}

// awaitStart waits until members that were just started are healthy.
func (c *Cluster) awaitStart() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), startLimit)
	defer cancel()
	c.WaitHealthy(ctx)
}

// advertisedPeer is where member k says its peers reach it: an address of TEST-NET-1, which
// is nobody's.
func advertisedPeer(k int) netip.AddrPort {
	const etcdPeerPort = 2380
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(k + 1)}), etcdPeerPort)
}

// memberFlags are the flags of member k.
func (c *Cluster) memberFlags(k int) []string {
	m := c.members[k]
	return append([]string{
		"--name", m.name,
		"--data-dir", m.dataDir,
		"--listen-client-urls", "http://" + m.clientAt,
		"--advertise-client-urls", "http://" + m.link.Address(),
		"--listen-peer-urls", "http://" + m.peerAt,
		"--initial-advertise-peer-urls", m.peerURL,
		"--initial-cluster", c.initialCluster(),
		"--initial-cluster-token", c.token,
		"--heartbeat-interval", "100",
		"--election-timeout", "1000",
	}, c.flags...)
}

// initialCluster names all members, in etcd's way.
func (c *Cluster) initialCluster() string {
	names := make([]string, 0, len(c.members))
	for _, m := range c.members {
		names = append(names, m.name+"="+m.peerURL)
	}
	return strings.Join(names, ",")
}

// Endpoints are the addresses of all members for clients, through their links.
func (c *Cluster) Endpoints() []string {
	endpoints := make([]string, 0, len(c.members))
	for k := range c.members {
		endpoints = append(endpoints, c.Endpoint(k))
	}
	return endpoints
}

// Endpoint is the address of member k for clients, through its link: a host and a port.
func (c *Cluster) Endpoint(k int) string { return c.members[k].link.Address() }

// DirectEndpoint is the address of member k for clients, past its link.
func (c *Cluster) DirectEndpoint(k int) string { return c.members[k].clientAt }

// ClientLink is the link between clients and member k.
func (c *Cluster) ClientLink(k int) *Link { return c.members[k].link }

// PeerLink is the link by which one member dials another. Requests and their answers both
// go through it; what the other dials goes through the link of the reverse pair.
func (c *Cluster) PeerLink(from, to int) *Link {
	link, ok := c.peers[pair{from, to}]
	if !ok {
		panic("cluster: no link from a member to itself, or no such member")
	}
	return link
}

// Log is what member k has logged so far, over all its starts.
func (c *Cluster) Log(k int) string { return c.members[k].log.String() }

// PID is the process of member k, or 0 when the test has ended it.
func (c *Cluster) PID(k int) int {
	if p := c.members[k].running(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Isolate lets member k and the others not reach each other, in either direction: no byte
// passes, as when a network drops packets. Clients still reach it. It stands until Heal.
func (c *Cluster) Isolate(k int) {
	for p, link := range c.peers {
		if p.from == k || p.to == k {
			link.Hold()
		}
	}
}

// Heal mends the links between all members.
func (c *Cluster) Heal() {
	for _, link := range c.peers {
		link.Mend()
	}
}

// Stop asks member k to end and waits until it has.
func (c *Cluster) Stop(k int) {
	c.t.Helper()
	c.members[k].signal(c.t, syscall.SIGTERM).wait(c.t)
}

// Kill ends member k without warning and waits until it is gone.
func (c *Cluster) Kill(k int) {
	c.t.Helper()
	c.members[k].signal(c.t, syscall.SIGKILL).wait(c.t)
}

// endMembers sends a signal to all members, then waits for all.
func (c *Cluster) endMembers(signal syscall.Signal) {
	c.t.Helper()
	processes := make([]*process, 0, len(c.members))
	for _, m := range c.members {
		processes = append(processes, m.signal(c.t, signal))
	}
	for _, p := range processes {
		p.wait(c.t)
	}
}

// Restart starts member k, which must be stopped, with the data that it has. It does not
// wait: one member of a cluster that is down cannot become healthy alone.
func (c *Cluster) Restart(k int) {
	c.t.Helper()
	c.members[k].start(c.t, c.memberFlags(k))
}

// Etcdctl runs etcdctl against the links of all members and gives what it prints. Arguments
// with --endpoints name others.
func (c *Cluster) Etcdctl(tb testing.TB, args ...string) string {
	tb.Helper()
	named := slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--endpoints") })
	if !named {
		args = append([]string{"--endpoints", strings.Join(c.Endpoints(), ",")}, args...)
	}
	cmd := exec.CommandContext(tb.Context(), program(tb, ctlProgram), args...)
	cmd.Env = plainEnv()
	text, err := output(cmd)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
