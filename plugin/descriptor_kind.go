package plugin

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

func (p *descriptorParser) tls(to **TLS) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		var t TLS
		*to = &t
		return p.fields(n, field, map[string]func(string, ast.Node) error{
			"ca":          p.scalar(&t.CA),
			"cert":        p.scalar(&t.Cert),
			"key":         p.scalar(&t.Key),
			"server_name": p.scalar(&t.ServerName),
		})
	}
}

func (p *descriptorParser) goPlugin(to **GoPlugin) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		var g GoPlugin
		*to = &g
		return p.fields(n, field, map[string]func(string, ast.Node) error{
			"cookie_key":   p.scalar(&g.CookieKey),
			"cookie_value": p.scalar(&g.CookieValue),
			"protocol":     p.protocol(&g.Protocol),
		})
	}
}

func (p *descriptorParser) protocol(to *uint) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		const bits = 31
		number, ok := n.(*ast.IntegerNode)
		if ok {
			version, err := strconv.ParseUint(number.GetToken().Value, 10, bits)
			ok = err == nil
			*to = uint(version)
		}
		if !ok {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), "write its ProtocolVersion, an integer")
		}
		return nil
	}
}
