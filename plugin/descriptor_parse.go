package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// DescriptorFile is the name of a descriptor file in a plugin's folder.
const DescriptorFile = "plugin.yaml"

// maxDescriptor bounds a descriptor file, in bytes.
const maxDescriptor = 1 << 20

// ReadDescriptor reads a descriptor file. Its errors are [*DescriptorError].
func ReadDescriptor(path string) (Descriptor, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxDescriptor {
		return Descriptor{}, &DescriptorError{
			File: path, Problem: fmt.Sprintf("the file has %d bytes, the limit is %d", info.Size(), maxDescriptor),
			Fix: "check that it is a plugin descriptor",
		}
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Descriptor{}, &DescriptorError{File: path, Problem: osFault("cannot be read", err), Fix: "check the path and its permissions"}
	}
	return ParseDescriptor(path, text)
}

// ParseDescriptor parses the text of a descriptor file. The path is where it
// comes from: errors name it, and the command is relative to its folder. Its
// errors are [*DescriptorError].
func ParseDescriptor(path string, text []byte) (d Descriptor, err error) {
	d = Descriptor{Source: path, Dir: filepath.Dir(path)}
	if len(text) > maxDescriptor {
		return Descriptor{}, &DescriptorError{File: path, Problem: fmt.Sprintf("the text has %d bytes, the limit is %d", len(text), maxDescriptor), Fix: "shorten it"}
	}
	// The parser is not ours, and a file must never bring the host down.
	defer func() {
		if r := recover(); r != nil {
			d, err = Descriptor{}, &DescriptorError{File: path, Problem: "it is not valid YAML", Fix: "simplify it"}
		}
	}()
	p := descriptorParser{file: path, positions: map[string]ast.Node{}}
	if err := p.parse(text, &d); err != nil {
		return Descriptor{}, err
	}
	normal, err := d.normalized()
	if err != nil {
		return Descriptor{}, p.located(err)
	}
	return normal, nil
}

// A descriptorParser walks the syntax tree rather than decoding into a struct,
// because every complaint then has a position.
type descriptorParser struct {
	file      string
	positions map[string]ast.Node // by field, of what was read
}

func (p *descriptorParser) fault(n ast.Node, field, problem, fix string) error {
	e := &DescriptorError{File: p.file, Field: field, Problem: problem, Fix: fix}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		e.Line, e.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	return e
}

// located adds the position of its field to an error about a value.
func (p *descriptorParser) located(err error) error {
	var e *DescriptorError
	if !errors.As(err, &e) || e.Line > 0 {
		return err
	}
	field := e.Field
	for field != "" {
		if n, ok := p.positions[field]; ok {
			return p.fault(n, e.Field, e.Problem, e.Fix)
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return err
}

func (p *descriptorParser) parse(text []byte, d *Descriptor) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return p.syntaxFault(err)
	}
	docs := slices.DeleteFunc(file.Docs, func(doc *ast.DocumentNode) bool { return doc.Body == nil })
	if len(docs) == 0 {
		return p.fault(nil, "", "the file is empty", "describe the plugin: name, api_version, command, capabilities")
	}
	if len(docs) > 1 {
		return p.fault(docs[1].Body, "", "there is a second document", "keep one plugin in one file")
	}
	return p.fields(docs[0].Body, "", map[string]func(string, ast.Node) error{
		"name":         p.scalar(&d.Name),
		"version":      p.scalar(&d.Version),
		"api_version":  p.scalar(&d.APIVersion),
		"command":      p.command(&d.Command),
		"sha256":       p.scalar(&d.SHA256),
		"capabilities": p.capabilities(&d.Capabilities),
		"config":       p.config(&d.Config),
		"attach":       p.scalar(&d.Attach),
		"endpoint":     p.scalar(&d.Endpoint),
		"module":       p.scalar(&d.Module),
		"tls":          p.tls(&d.TLS),
		"go_plugin":    p.goPlugin(&d.GoPlugin),
		"sandbox":      p.sandbox(&d.Sandbox),
	})
}

func (p *descriptorParser) syntaxFault(err error) error {
	e := &DescriptorError{File: p.file, Problem: "it is not valid YAML", Fix: "correct the line"}
	if detail, ok := errors.AsType[yaml.Error](err); ok {
		e.Problem += ": " + oneLine(detail.GetMessage())
		if t := detail.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
		return e
	}
	e.Problem += ": " + oneLine(err.Error())
	return e
}

// fields reads a mapping whose keys are exactly those of known.
func (p *descriptorParser) fields(n ast.Node, prefix string, known map[string]func(string, ast.Node) error) error {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return p.fault(n, prefix, fmt.Sprintf("%s is %s where a mapping belongs", cmp.Or(prefix, "the file"), kindOf(n)),
			"write it as field: value, with "+strings.Join(sortedKeys(known), ", "))
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		if pair.Key == nil || pair.Key.GetToken() == nil {
			return p.fault(pair, prefix, "a field has no name", "write it as field: value")
		}
		name := pair.Key.GetToken().Value
		field := strings.TrimPrefix(prefix+"."+name, ".")
		read, ok := known[name]
		switch {
		case !ok:
			names := sortedKeys(known)
			return p.fault(pair.Key, field, fmt.Sprintf("unknown field %q", name)+didYouMean(name, names), "known fields: "+strings.Join(names, ", "))
		case seen[name]:
			return p.fault(pair.Key, field, fmt.Sprintf("field %q is given twice", name), "remove one of them")
		}
		seen[name] = true
		value := pair.Value
		if value == nil {
			value = pair.Key
		}
		p.positions[field] = value
		if _, isNull := value.(*ast.NullNode); isNull {
			continue // as good as absent
		}
		if err := read(field, value); err != nil {
			return err
		}
	}
	return nil
}

// scalar reads the text of a value as it stands in the file, so that
// version: 1.10 is not the number 1.1.
func (p *descriptorParser) scalar(to *string) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		switch n := n.(type) {
		case *ast.LiteralNode:
			*to = strings.TrimSpace(n.Value.Value)
		case *ast.StringNode:
			*to = n.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
			*to = n.GetToken().Value
		default:
			return p.fault(n, field, fmt.Sprintf("%s is %s where a string belongs", field, kindOf(n)), "write one value, in quotes if it has special characters")
		}
		return nil
	}
}

func (p *descriptorParser) command(to *[]string) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			var program string
			if err := p.scalar(&program)(field, n); err != nil {
				return err
			}
			*to = []string{program}
			return nil
		}
		for i, item := range list.Values {
			var part string
			if err := p.scalar(&part)(fmt.Sprintf("%s[%d]", field, i), item); err != nil {
				return err
			}
			*to = append(*to, part)
		}
		return nil
	}
}

func (p *descriptorParser) capabilities(to *[]Capability) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			return p.fault(n, field, fmt.Sprintf("%s is %s where a list belongs", field, kindOf(n)), "write it as a list, as in: capabilities: [markdown.render]")
		}
		for i, item := range list.Values {
			field := fmt.Sprintf("%s[%d]", field, i)
			p.positions[field] = item
			var c Capability
			var err error
			if _, isName := item.(ast.ScalarNode); isName {
				err = p.scalar(&c.Name)(field, item)
			} else {
				err = p.fields(item, field, map[string]func(string, ast.Node) error{
					"name":       p.scalar(&c.Name),
					"kind":       p.scalar((*string)(&c.Kind)),
					"service":    p.scalar(&c.Service),
					"idempotent": p.boolean(&c.Idempotent),
					"weight":     p.weight(&c.Weight),
					"standby":    p.boolean(&c.Standby),
				})
			}
			if err != nil {
				return err
			}
			*to = append(*to, c)
		}
		return nil
	}
}

func (p *descriptorParser) boolean(to *bool) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), "write true or false")
		}
		*to = b.Value
		return nil
	}
}

func (p *descriptorParser) weight(to *int) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		number, ok := n.(*ast.IntegerNode)
		if ok {
			*to, _ = strconv.Atoi(number.GetToken().Value)
		}
		if *to < 1 || *to > maxWeight {
			return p.fault(n, field, fmt.Sprintf("%s is %s", field, kindOf(n)), fmt.Sprintf("write an integer from 1 to %d", maxWeight))
		}
		return nil
	}
}

func (p *descriptorParser) config(to *json.RawMessage) func(string, ast.Node) error {
	return func(field string, n ast.Node) error {
		switch n.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
		default:
			return p.fault(n, field, fmt.Sprintf("config is %s where a mapping belongs", kindOf(n)), "write it as config: {key: value}")
		}
		var value map[string]any
		if err := yaml.NodeToValue(n, &value); err != nil {
			return p.fault(n, field, "config cannot be read: "+oneLine(err.Error()), "correct it")
		}
		text, err := json.Marshal(value)
		if err != nil {
			return p.fault(n, field, "config has no JSON form: "+oneLine(err.Error()), "use text keys and plain values")
		}
		*to = text
		return nil
	}
}

// kindOf names what a node is, with its article.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode:
		return "an anchor or alias"
	case *ast.TagNode:
		return "a tagged value"
	case nil:
		return "nothing"
	default:
		return fmt.Sprintf("%q", shortened(n.GetToken().Value, 40))
	}
}
