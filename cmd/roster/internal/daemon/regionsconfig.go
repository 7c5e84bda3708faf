package daemon

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/kill"
)

// RegionsConfig says how this daemon works together with the daemons of its own region and
// of others.
type RegionsConfig struct {
	// Control is the address of the port of its own at which kills arrive. The daemon is then
	// the hub of its region, of which there is one. By default the port after that of the
	// embedded etcd; a daemon that joined an external one has no hub unless it is given.
	Control string `yaml:"control"`
	// Replication is the address of the port at which records of other regions arrive. Without
	// it nothing is replicated.
	Replication string `yaml:"replication"`
	// The files are PEM: the authority of all regions, and this daemon's certificate and key.
	// Without them only loopback addresses are used.
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Hub are the addresses of the hub of this region, for a daemon that is not it. Without
	// them it is found through etcd.
	Hub []string `yaml:"hub"`
	// Others are the other regions by their names, as this daemon reaches them. What is not
	// given here is learned from them (roster region add).
	Others map[string]OtherRegion `yaml:"others"`
	// Strong is the etcd cluster that is stretched over the regions. Without it there are no
	// namespaces that live in one region at a time.
	Strong EtcdConfig `yaml:"strong"`
}

// OtherRegion has the addresses, host:port, of another region.
type OtherRegion struct {
	Control     []string `yaml:"control"`
	Replication []string `yaml:"replication"`
}

// isHub tells whether this daemon is the hub of its region.
func (r *RegionsConfig) isHub() bool { return r.Control != "" }

// completeRegions fills in defaults and refuses what cannot work.
func (c *Config) completeRegions() error {
	r := &c.Regions
	if r.Control == "" && len(r.Hub) == 0 && len(c.Etcd.Endpoints) == 0 {
		control, err := portAfter(c.Etcd.Listen)
		if err != nil {
			return &ConfigError{"etcd.listen", err.Error(), err}
		}
		r.Control = control
	}
	if r.Control != "" && len(r.Hub) > 0 {
		return &ConfigError{"regions.hub", "it is for a daemon that is not the hub of its region itself; give it or regions.control", nil}
	}
	secured := r.CertFile != ""
	if (r.CAFile == "") != (r.CertFile == "") || (r.CertFile == "") != (r.KeyFile == "") {
		return &ConfigError{"regions.cert_file", "ca_file, cert_file and key_file go together; give all of them or none", nil}
	}
	for setting, address := range map[string]string{"regions.control": r.Control, "regions.replication": r.Replication} {
		if address == "" {
			continue
		}
		if err := checkListen(setting, address, secured); err != nil {
			return err
		}
	}
	if setting := r.Strong.external(); setting != "" && len(r.Strong.Endpoints) == 0 {
		return &ConfigError{"regions.strong.endpoints", "regions.strong has " + strings.TrimPrefix(setting, "etcd.") + " and no endpoints; give them", nil}
	}
	if r.Strong.Listen != "" || r.Strong.NamingEndpoints {
		return &ConfigError{"regions.strong", "listen and naming_endpoints are not for the strong store; leave them out", nil}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Others)) {
		if name == c.Region {
			return &ConfigError{"regions.others." + name, "it is this daemon's own region; give the others", nil}
		}
	}
	return nil
}

// portAfter is address with the next port; any port stays any.
func portAfter(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port: %w", address, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return "", fmt.Errorf("port %q is not a number", port)
	}
	if n != 0 {
		n++
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

// checkListen is checkLoopback, unless whoever connects has to prove who he is. Others are told the
// address, so it has to be one at which they reach this machine.
func checkListen(setting, address string, secured bool) error {
	if !secured {
		return checkLoopback(setting, address)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return &ConfigError{setting, fmt.Sprintf("%q is not host:port, such as %s", address, DefaultListen), err}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return &ConfigError{setting, fmt.Sprintf("%q stands for all addresses of a machine, and other regions are told it to connect to; "+
			"give the one at which they reach this daemon", address), nil}
	}
	return nil
}

// tls is how ends of connections between daemons prove who they are; nil without files. The
// certificate is read anew for each handshake, so that it can be renewed while the daemon runs.
func (r *RegionsConfig) tls() (*tls.Config, error) {
	if r.CertFile == "" {
		return nil, nil //nolint:nilnil // it means that there is none
	}
	text, err := os.ReadFile(r.CAFile)
	if err != nil {
		return nil, &ConfigError{"regions.ca_file", fmt.Sprintf("cannot read the file: %v", err), err}
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return nil, &ConfigError{"regions.ca_file", r.CAFile + " has no certificate in PEM form", nil}
	}
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(r.CertFile, r.KeyFile)
		if err != nil {
			return nil, &ConfigError{"regions.cert_file", fmt.Sprintf("the certificate and its key cannot be used: %v", err), err}
		}
		return &pair, nil
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: authorities, ClientCAs: authorities,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() },
	}, nil
}

// checkCertificate finds out before peers do that a certificate does not name this daemon in
// each of its roles.
func (c *Config) checkCertificate() error {
	r := &c.Regions
	if r.CertFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(r.CertFile, r.KeyFile)
	if err != nil {
		return &ConfigError{"regions.cert_file", fmt.Sprintf("the certificate and its key cannot be used: %v", err), err}
	}
	var has []string
	for _, uri := range pair.Leaf.URIs {
		has = append(has, uri.String())
	}
	needs := []string{"roster://runtime/" + url.PathEscape(c.Host)}
	if r.isHub() {
		needs = append(needs, "roster://hub/"+url.PathEscape(c.Region))
	}
	if r.Replication != "" {
		needs = append(needs, "roster://region/"+url.PathEscape(c.Region))
	}
	for _, uri := range needs {
		if !slices.Contains(has, uri) {
			return &ConfigError{"regions.cert_file", fmt.Sprintf(
				"%s does not name this daemon as %s among its subject alternative names (%s); have a certificate made that does",
				r.CertFile, uri, cmp.Or(strings.Join(has, ", "), "there are no URIs")), nil}
		}
	}
	return nil
}

// hubs are those of the other regions that the config names.
func (r *RegionsConfig) hubs() []kill.Peer {
	var peers []kill.Peer
	for _, name := range slices.Sorted(maps.Keys(r.Others)) {
		if addresses := r.Others[name].Control; len(addresses) > 0 {
			peers = append(peers, kill.Peer{Region: name, Addresses: addresses})
		}
	}
	return peers
}
