package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func newReader(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

// checkPod checks what the API does not: that a stop has the time that it needs, and that names
// within the manifest exist.
func checkPod(pod *corev1.PodTemplateSpec, selector map[string]string) error {
	if !maps.Equal(pod.Labels, selector) {
		return fmt.Errorf("the selector has %v, and the Pods have %v", selector, pod.Labels)
	}
	if pod.Spec.TerminationGracePeriodSeconds == nil || len(pod.Spec.Containers) != 1 {
		return errors.New("want one container, and terminationGracePeriodSeconds")
	}
	container := pod.Spec.Containers[0]
	var errs []error
	stop := time.Second // to close the store
	for _, v := range container.Env {
		if v.Name == "CHATROOM_DRAIN" {
			drain, err := time.ParseDuration(v.Value)
			errs = append(errs, err)
			stop += drain
		}
	}
	if container.Lifecycle == nil || container.Lifecycle.PreStop == nil || container.Lifecycle.PreStop.Sleep == nil {
		return errors.New("want a preStop hook that sleeps")
	}
	stop += time.Duration(container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace < stop || stop == time.Second {
		errs = append(errs, fmt.Errorf("terminationGracePeriodSeconds is %v, and a stop takes up to %v", grace, stop))
	}
	for probe, paths := range map[*corev1.Probe]string{container.LivenessProbe: "/healthz", container.ReadinessProbe: "/readyz", container.StartupProbe: "/readyz"} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != paths {
			errs = append(errs, fmt.Errorf("want a probe of %s", paths))
			continue
		}
		if !slices.ContainsFunc(container.Ports, func(p corev1.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.StrVal }) {
			errs = append(errs, fmt.Errorf("there is no port %q for a probe", probe.HTTPGet.Port.StrVal))
		}
	}
	c := container.SecurityContext
	if c == nil || c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation {
		errs = append(errs, errors.New("want a read-only root without privilege escalation"))
	}
	return errors.Join(errs...)
}
