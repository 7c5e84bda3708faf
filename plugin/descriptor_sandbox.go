package plugin

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// sandbox reads a sandbox. One that is there is [Confined] but for what it says.
func (p *descriptorParser) sandbox(to *Sandbox) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		s := Confined()
		err := p.fields(n, field, map[string]func(string, ast.Node) error{
			"read":       p.readable(&s),
			"write":      p.strings(&s.Write),
			"network":    p.network(&s),
			"syscalls":   p.oneOf(map[string]func(){"any": func() { s.Syscalls = false }, "restricted": func() {}}),
			"namespaces": p.boolean(&s.Namespaces),
			"user":       p.scalar(&s.User),
			"memory":     p.size(&s.Memory),
			"processes":  p.count(&s.Processes),
			"cpus":       p.share(&s.CPUs),
			"open_files": p.count(&s.OpenFiles),
			"file_size":  p.size(&s.FileSize),
			"strict":     p.boolean(&s.Strict),
		})
		if err != nil {
			return err
		}
		if !s.Files && s.Write != nil {
			return p.fault(n, field+".write", "write is a list, but read: any leaves files open", "remove one of the two")
		}
		*to = s
		return nil
	}
}

func (p *descriptorParser) strings(to *[]string) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return p.fault(n, field, fmt.Sprintf("%s is %s where a list belongs", field, kindOf(n)), "write it as a list, as in: [cache, /srv/fonts]")
		}
		*to = []string{}
		for i, item := range list.Values {
			var text string
			if err := p.scalar(&text)(fmt.Sprintf("%s[%d]", field, i), item); err != nil {
				return err
			}
			*to = append(*to, text)
		}
		return nil
	}
}

func (p *descriptorParser) readable(s *Sandbox) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		if _, isList := n.(*ast.SequenceNode); isList {
			return p.strings(&s.Read)(field, n)
		}
		return p.oneOf(map[string]func(){"any": func() { s.Files = false }})(field, n)
	}
}

func (p *descriptorParser) network(s *Sandbox) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		list, isList := n.(*ast.SequenceNode)
		if !isList {
			return p.oneOf(map[string]func(){"none": func() {}, "any": func() { s.Network = NetworkAny }})(field, n)
		}
		s.Network = NetworkPorts
		for i, item := range list.Values {
			port, ok := item.(*ast.IntegerNode)
			number, err := 0, errors.New("no number")
			if ok {
				number, err = strconv.Atoi(port.GetToken().Value)
			}
			if err != nil || number < 1 || number > math.MaxUint16 {
				return p.fault(item, fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%s[%d] is %s", field, i, kindOf(item)), "write a TCP port from 1 to 65535")
			}
			s.Ports = append(s.Ports, uint16(number))
		}
		return nil
	}
}

func (p *descriptorParser) oneOf(words map[string]func()) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		var word string
		if err := p.scalar(&word)(field, n); err != nil {
			return err
		}
		set, ok := words[word]
		if !ok {
			return p.fault(n, field, fmt.Sprintf("%s is %q", field, shortened(word, shownName)), "write "+quotedList(sortedKeys(words), " or "))
		}
		set()
		return nil
	}
}

func (p *descriptorParser) size(to *uint64) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		var text string
		if err := p.scalar(&text)(field, n); err != nil {
			return err
		}
		size, err := parseSize(text)
		if err != nil || size == 0 {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), "write a number of bytes, as in: 512MiB")
		}
		*to = size
		return nil
	}
}

func (p *descriptorParser) count(to *uint64) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		number, ok := n.(*ast.IntegerNode)
		if ok {
			*to, _ = strconv.ParseUint(number.GetToken().Value, 10, 32)
		}
		if *to == 0 {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), "write a positive integer")
		}
		return nil
	}
}

func (p *descriptorParser) share(to *float64) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		var text string
		if err := p.scalar(&text)(field, n); err != nil {
			return err
		}
		share, err := strconv.ParseFloat(text, 64)
		if err != nil || !(share > 0) || math.IsInf(share, 0) {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), "write a share of processors, as in: 0.5")
		}
		*to = share
		return nil
	}
}
