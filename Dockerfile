# One image for the API (the default command), the projector and the command line.
FROM node:20.20-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /makima
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .
RUN node scripts/build.mjs \
  && mkdir /var/lib/makima \
  && chown node:node /var/lib/makima
USER node
ENV HOST=0.0.0.0 MAKIMA_HOME=/var/lib/makima
EXPOSE 7420
CMD ["node", "dist/apps/api/main.js"]
