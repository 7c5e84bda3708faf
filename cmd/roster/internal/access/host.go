package access

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// hosts are the names under which a daemon may be asked for something. A web page whose name its
// owner lets resolve to this machine (DNS rebinding) asks under that name.
type hosts []string

// has tells whether a Host header is one of them. Loopback names always are, and so is the address
// at which the request arrived, which no web page can have as its name.
func (h hosts) has(header string, local net.Addr) bool {
	host := hostOf(header)
	if host == "localhost" {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsLoopback() {
			return true
		}
		if tcp, ok := local.(*net.TCPAddr); ok && tcp.AddrPort().Addr().Unmap() == ip.Unmap() {
			return true
		}
	}
	return host != "" && slices.Contains(h, host)
}

// hostOf is the host of host:port in lower case, without the dot of a name that is complete.
func hostOf(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
