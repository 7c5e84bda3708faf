package embedded

import (
	"cmp"
	"crypto/rand"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// DefaultClientListen is where a server serves clients if nothing else is said.
const DefaultClientListen = "127.0.0.1:7071"

// Config says where a server keeps its data and where it listens.
type Config struct {
	// Dir holds the data. It is created, for its owner alone, if it does not exist. Required.
	Dir string
	// ClientListen is the host:port to serve clients on, [DefaultClientListen] if empty.
	// The host is a loopback IP address or "localhost". Port 0 takes a free port, which
	// [Server.Endpoint] tells; a restart may then get another.
	ClientListen string
	// Logger is told what etcd logs, at debug and warn level, and at error level before
	// etcd gives up. Nil is silent.
	Logger *slog.Logger
	// Fast trades durability for speed, for tests: nothing is forced to disk, and an
	// election takes 0.1 s instead of 1 s, which also lowers the smallest lease to 1 s.
	Fast bool
}

// parseListen returns the address in the form that [net.Listen] takes, with an IP address
// as its host.
func parseListen(address string) (netip.AddrPort, error) {
	address = cmp.Or(address, DefaultClientListen)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, &ListenError{Address: address, Fault: "is not host:port", Err: err}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &ListenError{Address: address, Fault: "has no port between 0 and 65535", Err: err}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, &ListenError{Address: address, Fault: "has no IP address as its host", Err: err}
	}
	if !ip.IsLoopback() {
		return netip.AddrPort{}, &ListenError{Address: address, Fault: "is not a loopback address, and the server has no access control"}
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}

const (
	memberName = "roster"
	// peerAddress is what the only member calls itself in its own records. Nothing listens
	// there and nobody connects to it.
	peerAddress = "127.0.0.1:2380"
	// retention is how long history is kept for watches that resume after a broken
	// connection; a watch that comes back later reads everything again.
	retention = time.Hour
	// quota bounds the file of the data. A fleet of 100,000 instances takes some 100 MiB with
	// an hour of history; etcd's own default is the same, and is said here to stay so.
	quota = 2 << 30
)

func etcdConfig(c Config, listen netip.AddrPort, log *zap.Logger) *embed.Config {
	client := url.URL{Scheme: "http", Host: listen.String()}
	peer := url.URL{Scheme: "http", Host: peerAddress}

	config := embed.NewConfig()
	config.Name = memberName
	config.Dir = c.Dir
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log)
	config.ListenPeerUrls = nil
	config.AdvertisePeerUrls = []url.URL{peer}
	config.InitialCluster = memberName + "=" + peer.String()
	// The token counts when a new directory is set up, and makes the cluster id. A reader then
	// tells a directory that was deleted and set up again from the one before.
	config.InitialClusterToken = rand.Text()
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.AutoCompactionMode = embed.CompactorModePeriodic
	config.AutoCompactionRetention = retention.String()
	config.QuotaBackendBytes = quota
	// Browsers reach loopback ports too. An empty list would allow every origin.
	config.EnableGRPCGateway = false
	config.CORS = map[string]struct{}{client.String(): {}}
	config.HostWhitelist = map[string]struct{}{"localhost": {}, listen.Addr().String(): {}}
	if c.Fast {
		config.UnsafeNoFsync = true
		config.TickMs = 10
		config.ElectionMs = 100
		config.BcryptCost = 4 // the least
	}
	return config
}
