package etcd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/roster-go/roster/discovery"
)

// valueVersion is the version of the JSON that this package writes, and the only one it
// reads. A field may be added without a new version: readers ignore what they do not know.
const valueVersion = 1

// servicesDir is the part of a key after the prefix that all instances share.
const servicesDir = "services/"

// value is the JSON under an instance's key. Service and id stand in the key alone.
type value struct {
	V        int               `json:"v"`
	Address  string            `json:"address"`
	Region   string            `json:"region,omitempty"`
	Zone     string            `json:"zone,omitempty"`
	Version  string            `json:"version,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// A DecodeError reports a key or a value under the services prefix that is not an instance.
type DecodeError struct {
	Key string
	Err error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("etcd: key %q does not hold an instance, remove it or announce it again: %v", e.Key, e.Err)
}

// Unwrap returns what is wrong.
func (e *DecodeError) Unwrap() error { return e.Err }

var errForeignKey = errors.New("the key is not services/{name}/{instance_id}")

// encodeKey returns {prefix}services/{service}/{id}.
func encodeKey(prefix string, key discovery.Key) string {
	return prefix + servicesDir + key.Service + "/" + key.ID
}

func decodeKey(prefix, key string) (discovery.Key, error) {
	rest, ok := strings.CutPrefix(key, prefix+servicesDir)
	if !ok {
		return discovery.Key{}, &DecodeError{Key: key, Err: errForeignKey}
	}
	service, id, ok := strings.Cut(rest, "/")
	if !ok {
		return discovery.Key{}, &DecodeError{Key: key, Err: errForeignKey}
	}
	decoded := discovery.Key{Service: service, ID: id}
	if err := decoded.Validate(); err != nil {
		return discovery.Key{}, &DecodeError{Key: key, Err: err}
	}
	return decoded, nil
}

// encodeValue is deterministic: equal instances have equal values.
func encodeValue(instance discovery.Instance) (string, error) {
	data, err := json.Marshal(value{
		V:        valueVersion,
		Address:  instance.Address,
		Region:   instance.Region,
		Zone:     instance.Zone,
		Version:  instance.Version,
		Metadata: instance.Metadata,
	})
	if err != nil {
		return "", fmt.Errorf("etcd: encode %s: %w", instance.Key(), err)
	}
	return string(data), nil
}

func decode(prefix, key string, data []byte) (discovery.Instance, error) {
	k, err := decodeKey(prefix, key)
	if err != nil {
		return discovery.Instance{}, err
	}
	var v value
	if err := json.Unmarshal(data, &v); err != nil {
		return discovery.Instance{}, &DecodeError{Key: key, Err: fmt.Errorf("the value is not the JSON of an instance: %w", err)}
	}
	if v.V != valueVersion {
		return discovery.Instance{}, &DecodeError{Key: key, Err: fmt.Errorf("the value has version %d, this program reads version %d", v.V, valueVersion)}
	}
	instance := discovery.Instance{
		Service: k.Service, ID: k.ID, Address: v.Address,
		Region: v.Region, Zone: v.Zone, Version: v.Version, Metadata: v.Metadata,
	}
	if err := instance.Validate(); err != nil {
		return discovery.Instance{}, &DecodeError{Key: key, Err: err}
	}
	return instance, nil
}
