"""`python -m tests.compose` (`make test-compose`): the real Dockerfile and docker-compose.yml on stand-ins for the
official images, which cannot be pulled everywhere. Needs root, and Debian's docker.io, docker-compose, debootstrap and
slirp4netns. docs/production.md says what this shows and what it does not."""
